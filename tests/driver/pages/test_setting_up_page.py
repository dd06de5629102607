"""docs/setting-up.md: a host and a lane are set up by typing what stands there."""

import re
from typing import Any

from launchplane_lane_contracts.vocabulary import MarkerState, RolloutState
from launchplane_lane_driver.lane_view import lane_view
from tests.driver.pages.policy_files import policy_of
from tests.driver.plane import PHRASE, Plane
from tests.driver.small_host import ANN, BEN, RITA, SmallHost, SmallLane, untouched
from tests.driver.typed import Typed
from tests.standins.launchplane_requests import (
    OdooStableBootstrapRequest,
    OdooStableBootstrapResult,
)
from tests.standins.real_workflows import workflow
from tests.typed_pages import commands_of, fenced, indented_lines

PAGE = "setting-up.md"


def test_its_commands_and_its_wrapper(host: SmallHost, bare: SmallLane) -> None:
    (host.folder / "cm.toml").write_text(policy_of("provisional"))
    old = bare.data()
    with Typed(host, commands_of(PAGE)) as page:
        page.type_all("init", "init")
        assert "Nobody has recorded a policy" in page.type("doctor")
        page.type("doctor odoo-tenant-cm/cm/prod")
        assert '"marker_row":null' in page.type("show")
        with untouched(bare):
            page.type("policy propose")
            page.signed_by(RITA, ANN, BEN)
            page.type_all("policy apply", "enrol")
            page.signed_by(RITA, ANN)
        page.type("enrol")
        assert "odoo-tenant-cm/cm/prod" in page.type("lanes")
    seen = lane_view(host.office, bare.lane)
    assert (seen.rollout_state.value, seen.marker.value) == (
        RolloutState.PROVISIONAL,
        MarkerState.BOUND,
    )
    _the_wrapper(host, bare)
    (kept,) = host.office.store.host_record(bare.lane).kept
    assert bare.kept_data(kept.name).rows == old.rows


def _the_wrapper(host: SmallHost, lane: SmallLane) -> None:
    """The page's few lines stop a workflow, and settle one that was authorized."""
    plane = Plane(host, lane)
    (body,) = fenced(PAGE, "python")
    named: dict[str, Any] = {}
    exec(compile(body, PAGE, "exec"), named)  # noqa: S102 - our own document

    def execute_odoo_stable_bootstrap(**given: object) -> OdooStableBootstrapResult:
        result: OdooStableBootstrapResult = workflow("execute_odoo_stable_bootstrap")(**given)
        if result.bootstrap_status == "pass":
            lane.materialise()
        return result

    run = named["with_authority"](execute_odoo_stable_bootstrap, str(host.directory), lane.lane)
    asked = {
        "control_plane_root": host.folder,
        "record_store": plane.store,
        "request": OdooStableBootstrapRequest.model_validate(
            {"confirmation": PHRASE, "verify_health": False, **plane.named}
        ),
        "dokploy_request": plane.provider,
    }
    with untouched(lane):
        assert "no_operation_authorized" in run(**asked).error_message
    held = host.authorize(lane)
    assert run(**asked).bootstrap_status == "pass"
    assert host.phase(held) == "settled"


def test_its_line_of_an_approver_is_what_the_file_is_made_of(host: SmallHost) -> None:
    (line,) = (each for each in indented_lines(PAGE) if " ssh-ed25519 " in each)
    shape = re.escape(line).replace("alice", r"\w+").replace(re.escape("AAAA..."), r"AAAA\S+")
    assert re.fullmatch(shape, host.host.approvers_file.read_text().splitlines()[0])
