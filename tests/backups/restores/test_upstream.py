"""A lane without a devkit is restored from its old server, from the command line."""

import json

import pytest

from launchplane_lane_contracts.naming import is_side_name
from tests.driver.typed import Typed
from tests.guard import fingerprint
from tests.typed_pages import commands_of

from .conftest import Opw
from .small_odoo import content_of


def run(opw: Opw, *arguments: str) -> dict[str, object]:
    """One command that succeeds, and its answer."""
    done = opw.host.operate(*arguments, "--json")
    assert done.code == 0, done.stdout + done.stderr
    for secret in (opw.source.cluster.odoo.password, opw.lane.cluster.odoo.password, "eyJ"):
        assert secret not in done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def authorized(opw: Opw) -> str:
    """An operation that claims the lane for a restore from upstream."""
    plan = run(opw, "plan", str(opw.lane.lane), "recreate/upstream_restore")
    return str(run(opw, "authorize", str(plan["digest"]))["operation_id"])


def test_from_first_to_last(opw: Opw) -> None:
    before, wanted = opw.lane.data(), opw.source.content()
    with Typed(opw.host, commands_of("restoring.md")) as page:
        shown = page.type("plan")
        assert "Brought by: `lane-authority materialise`" in shown
        assert "docs/restoring.md" in shown
        page.type_all("authorize", "materialise")
        assert opw.lane.data() == before
        page.type("start")
        (operation,) = opw.host.office.store.operations()
        assert opw.lane.kept_data(str(operation.kept_name)) == before
        assert opw.lane.data().files == opw.source.data().files
        page.type("finish")
    assert opw.host.phase(operation) == "settled"
    found = content_of(opw.lane.cluster, opw.lane.database)
    # Neutralised, and else nothing: exactly what the two scripts change.
    assert {each.name for each in wanted.differences(found)} == {
        "public.res_users",
        "public.ir_config_parameter",
        "public.ir_mail_server",
        "public.ir_config_parameter_id_seq",
    }
    assert not [name for name in fingerprint.databases(opw.lane.cluster) if is_side_name(name)]
    assert not list((opw.lane.keep / "sides").glob("*__side_*"))


def test_what_is_given_up_is_not_left_beside_the_lane(opw: Opw) -> None:
    before = opw.lane.everything()
    operation = authorized(opw)
    run(opw, "materialise", operation)
    run(opw, "undo", operation)
    assert opw.lane.everything() == before
    assert not list((opw.lane.keep / "sides").glob("*__side_*"))


@pytest.mark.full
def test_a_retry_takes_what_was_brought_again(opw: Opw) -> None:
    before = opw.lane.data()
    operation = authorized(opw)
    run(opw, "start", operation)
    side = run(opw, "materialise", operation)
    begun = run(opw, "retry", operation)
    assert opw.lane.data().oid == side["database_oid"]
    run(opw, "finish", operation)
    kept = {each.name: each for each in opw.host.office.store.host_record(opw.lane.lane).kept}
    assert any(opw.lane.kept_data(name).oid == before.oid for name in kept)
    assert begun["phase"] == "begun"


@pytest.mark.full
def test_what_has_nothing_to_restore_is_told_so(opw: Opw) -> None:
    operation = opw.host.authorize(opw.lane).operation_id
    done = opw.host.operate("materialise", operation)
    assert done.code == 50
    assert "command_differs" in done.stderr
    assert "lane-authority start" in done.stderr
