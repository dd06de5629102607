"""The operator's day, the README's commands, and the pages that only look, on one lane."""

from launchplane_lane_contracts.vocabulary import DataSource, Operation, RolloutState
from tests.driver.pages.policy_files import policy_of
from tests.driver.small_host import ANN, BEN, RITA, SmallHost, SmallLane, untouched
from tests.driver.typed import Typed
from tests.typed_pages import commands_of

LOOKING = (
    *("index.md", "plans.md", "records.md", "rule-book.md", "security.md"),
    *("driver-descriptors.md", "rollout-states.md", "lanes.md", "serving.md"),
)
"""Pages whose commands change nothing of a lane."""


def test_the_operators_day(host: SmallHost, bare: SmallLane) -> None:
    (host.folder / "cm.toml").write_text(policy_of("provisional"))
    live = policy_of("production").replace("syo", "cm")
    (host.folder / "cm-live.toml").write_text(live)
    old = bare.data()
    with Typed(host, commands_of("operations.md")) as day:
        assert "unknown" in day.type("lanes")
        day.type_all("doctor", "policy propose")
        day.signed_by(RITA, ANN, BEN)
        day.type_all("policy apply", "enrol")
        digest = day.known["DIGEST"]
        host.sign(digest, RITA, ANN)
        assert host.operate("enrol", str(bare.lane), "--digest", digest).code == 0
        # A rebuild, from plan to settled.
        day.type("plan odoo-tenant-cm/cm/prod bootstrap/empty")
        day.signed_by(RITA)
        day.type_all("authorize", "start")
        bare.materialise()
        day.type("finish OPERATION")
        new = bare.data()
        assert new.rows != old.rows
        # It was a mistake: before it is settled, and after it.
        begun = host.begin(bare)
        day.known["OPERATION"] = begun.operation_id
        day.type("undo OPERATION")
        assert bare.data().rows == new.rows
        day.known["KEPT"] = kept = host.office.store.host_record(bare.lane).kept[0].name
        assert bare.kept_data(kept).rows == old.rows
        day.type_all("plan odoo-tenant-cm/cm/prod restore/kept", "lane odoo-tenant-cm/cm/prod")
        # Kept data and disk; then it goes live.
        with untouched(bare):
            day.type_all("release --due", "release odoo-tenant-cm/cm/prod")
        day.type_all("policy propose", "policy apply")
    revision = host.office.store.policy(bare.lane)
    assert revision is not None
    assert revision.policy.rollout_state is RolloutState.PRODUCTION
    assert bare.kept_data(kept).rows == old.rows


def test_the_readme_and_the_pages_that_look(host: SmallHost, lane: SmallLane) -> None:
    old = lane.data()
    with Typed(host, commands_of("README.md")) as page:
        page.type_all("plan", "authorize", "start")
        lane.materialise("first")
        page.type("finish OPERATION")
        first = lane.data()
        page.known["OPERATION"] = host.begin(lane).operation_id
        lane.materialise("second")
        page.type("undo OPERATION")
        assert lane.data().rows == first.rows
        page.known["OPERATION"] = died = host.begin(lane).operation_id
        lane.execute(f'CREATE DATABASE "{lane.database}"')
        page.type("retry OPERATION")
        assert host.operate("undo", died).code == 0
        page.known["OPERATION"] = host.begin(lane).operation_id
        page.type("abort OPERATION")
        assert lane.data().rows == first.rows
        existing = host.begin(lane, Operation.RECREATE, DataSource.EXISTING)
        page.known["OPERATION"] = existing.operation_id
        page.type("settle OPERATION --as-it-stands")
    assert lane.data().rows == first.rows
    kept = [lane.kept_data(each.name) for each in host.office.store.host_record(lane.lane).kept]
    assert old.rows in [each.rows for each in kept]
    (host.folder / "cm.toml").write_text(policy_of("provisional"))
    with untouched(lane):
        for name in LOOKING:
            with Typed(host, commands_of(name)) as page:
                page.type_all(*[""] * len(page.left))
        with Typed(host, commands_of("audit.md")) as page:
            page.type("audit show", 0)
            page.type_all(*["audit"] * 5)
            page.type_all("notify --due", "notify --due")
        assert (host.folder / "anchor.json").exists()
        with Typed(host, commands_of("reconcile.md")) as page:
            # The store is neither old nor lost.
            assert "newest one. There is nothing to take" in page.type("reconcile --as")
            page.type("reconcile --now")
