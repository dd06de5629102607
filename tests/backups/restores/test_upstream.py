"""A lane without a devkit is restored from its old server, from the command line."""

import json

from launchplane_lane_contracts.naming import is_side_name
from tests.guard import fingerprint

from .conftest import Opw
from .small_odoo import content_of


def run(opw: Opw, *arguments: str) -> dict[str, object]:
    """One command that succeeds, and its answer."""
    done = opw.host.operate(*arguments, "--json")
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def authorized(opw: Opw) -> str:
    """An operation that claims the lane for a restore from upstream."""
    plan = run(opw, "plan", str(opw.lane.lane), "recreate/upstream_restore")
    return str(run(opw, "authorize", str(plan["digest"]))["operation_id"])


def test_from_first_to_last(opw: Opw) -> None:
    before, wanted = opw.lane.data(), opw.source.content()
    operation = authorized(opw)
    side = run(opw, "materialise", operation)
    assert opw.lane.data() == before
    assert side["fingerprint_digest"] == wanted.digest()
    assert side["neutralised"] is True
    started = run(opw, "start", operation)
    assert opw.lane.kept_data(str(started["kept_name"])) == before
    files = opw.source.data().files
    assert opw.lane.data().files == files
    settled = run(opw, "finish", operation)
    assert settled["phase"] == "settled"
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
