"""`adopt`: what stands at the lane's own place is its data again, under a new generation."""

import shutil
from collections.abc import Callable

import pytest

from launchplane_lane_contracts.marker import MARKER_TABLE, EngineTag
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, MarkerState, Operation, TagState
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.lives import Asked, carry_out, look
from launchplane_lane_driver.lives.adopt import Adopt
from tests.driver.small_host import ANN, RITA, SmallHost, SmallLane, refused, untouched
from tests.driver.work.test_interrupted import AFTER, BEFORE, killed_at
from tests.guard import fingerprint

ADOPT = Adopt()


def bound(host: SmallHost, lane: SmallLane) -> bool:
    host.office.store.verify_ledger()
    return lane_view(host.office, lane.lane).marker.value is MarkerState.BOUND


def lose_the_tag(lane: SmallLane) -> None:
    lane.execute(f'COMMENT ON DATABASE "{lane.database}" IS NULL')


def edit_the_row(lane: SmallLane) -> None:
    lane.execute(f"UPDATE {MARKER_TABLE} SET authoritative = true", lane.database)


def make_the_row_unreadable(lane: SmallLane) -> None:
    lane.execute(f"UPDATE {MARKER_TABLE} SET rollout_state = 'half'", lane.database)


def drop_the_table(lane: SmallLane) -> None:
    lane.execute(f"DROP TABLE {MARKER_TABLE}", lane.database)


def restore_a_dump_by_hand(lane: SmallLane) -> None:
    """As a dump and a restore do it: another database, the rows and no tag."""
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO dumped')
    lane.execute(f'CREATE DATABASE "{lane.database}" TEMPLATE dumped')
    lane.execute("DROP DATABASE dumped")


DAMAGES: dict[ReasonCode, tuple[Callable[[SmallLane], None], ...]] = {
    ReasonCode.ENGINE_TAG_LOST: (lose_the_tag,),
    ReasonCode.MARKER_TAMPERED: (edit_the_row, make_the_row_unreadable),
    ReasonCode.MARKER_ABSENT: (drop_the_table,),
    ReasonCode.MARKER_COPIED: (restore_a_dump_by_hand,),
}


@pytest.mark.parametrize(
    ("code", "damage"),
    [(code, each) for code, all_of_it in DAMAGES.items() for each in all_of_it],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_what_a_refusal_names_is_adopted_and_the_plan_is_allowed(
    host: SmallHost, lane: SmallLane, code: ReasonCode, damage: Callable[[SmallLane], None]
) -> None:
    damage(lane)
    plan = host.plan(lane)
    (found,) = (each for each in plan.decision.reasons if each.code is code)
    assert "lane-authority adopt" in found.remedy
    before = lane.data()
    shown = look(host.office, ADOPT, Asked(lane.lane, RITA, "found so"))
    signers = 0 if damage is lose_the_tag else 1
    assert shown.tally.required == signers
    for signer in (None, RITA) if signers else ():
        if signer:
            host.sign(shown.digest, signer)
        with untouched(lane), refused(ReasonCode.APPROVALS_MISSING):
            carry_out(host.office, ADOPT, shown.digest)
    if signers:
        host.sign(shown.digest, ANN)
    carry_out(host.office, ADOPT, shown.digest)
    assert lane.data() == before
    assert bound(host, lane)
    record = host.office.store.host_record(lane.lane)
    assert record.generation is not None
    assert record.generation > 1
    # Whatever it was before, it is the only true copy from now on.
    assert {each.code for each in host.plan(lane).decision.reasons} >= {
        ReasonCode.SOURCE_NOT_ALLOWED
    }
    assert fingerprint.databases(lane.cluster)[lane.database].locked
    with untouched(lane), refused(ReasonCode.ALREADY_ENROLLED):
        carry_out(host.office, ADOPT, shown.digest)


@pytest.mark.parametrize(
    ("step", "script"),
    [
        ("prepare", AFTER),
        pytest.param("stamp", BEFORE, marks=pytest.mark.full),
        pytest.param("stamp", AFTER, marks=pytest.mark.full),
    ],
    ids=["after prepare", "before stamp", "after stamp"],
)
def test_an_adoption_that_died_goes_on(
    host: SmallHost, lane: SmallLane, step: str, script: str
) -> None:
    drop_the_table(lane)
    before = lane.data()
    found = look(host.office, ADOPT, Asked(lane.lane, RITA, "dropped by mistake"))
    host.sign(found.digest, RITA, ANN)
    command = ("adopt", str(lane.lane), "--digest", found.digest)
    killed_at(host, lane, script, step, *command)
    done = host.operate(*command)
    assert done.code == 0, done.stderr
    assert bound(host, lane)
    assert lane.data() == before
    used = host.office.store.approvals(found.digest)
    assert {each.used_by for each in used} == {found.digest}


def test_a_stamp_that_wrote_the_row_and_no_tag_is_gone_on_with(
    host: SmallHost, lane: SmallLane
) -> None:
    edit_the_row(lane)
    found = look(host.office, ADOPT, Asked(lane.lane, RITA, "edited by mistake"))
    host.sign(found.digest, RITA, ANN)
    command = ("adopt", str(lane.lane), "--digest", found.digest)
    killed_at(host, lane, AFTER, "stamp", *command)
    lose_the_tag(lane)
    assert host.operate(*command).code == 0
    assert bound(host, lane)


def test_another_row_than_was_signed_stays(host: SmallHost, lane: SmallLane) -> None:
    edit_the_row(lane)
    found = look(host.office, ADOPT, Asked(lane.lane, RITA, "edited by mistake"))
    host.sign(found.digest, RITA, ANN)
    lane.execute(f"UPDATE {MARKER_TABLE} SET generation = 3", lane.database)
    with untouched(lane), refused(ReasonCode.PLAN_CHANGED):
        carry_out(host.office, ADOPT, found.digest)


def test_a_row_that_is_changed_under_the_guards_hands_stays(
    host: SmallHost, lane: SmallLane
) -> None:
    edit_the_row(lane)
    found = look(host.office, ADOPT, Asked(lane.lane, RITA, "edited by mistake"))
    host.sign(found.digest, RITA, ANN)
    query = f"UPDATE {MARKER_TABLE} SET generation = 3"
    environment = lane.environment()
    lane.guard_becomes(
        'if [ "$1" = stamp ]; then '
        f"PGPASSWORD='{environment['ODOO_DB_PASSWORD']}' psql -q -h {environment['ODOO_DB_HOST']} "
        f"-p {environment['ODOO_DB_PORT']} -U {environment['ODOO_DB_USER']} "
        f'-d {lane.database} -c "{query}"; fi; exec "$GUARD" "$@"'
    )
    with refused(ReasonCode.READINGS_MOVED):
        carry_out(host.office, ADOPT, found.digest)
    lane.put_guard_back()
    assert host.office.store.host_record(lane.lane).generation == 1
    assert not bound(host, lane)


def test_what_is_not_adopted(host: SmallHost, lane: SmallLane) -> None:
    def adopt() -> None:
        look(host.office, ADOPT, Asked(lane.lane, RITA, "found so"))

    with untouched(lane), refused(ReasonCode.ALREADY_ENROLLED):
        adopt()
    # The recorded data stands elsewhere on the server.
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO elsewhere')
    lane.make_data("another")
    with untouched(lane), refused(ReasonCode.DATABASE_RENAMED):
        adopt()
    lane.execute(f'DROP DATABASE "{lane.database}"')
    lane.execute(f'ALTER DATABASE elsewhere RENAME TO "{lane.database}"')
    # Another lane's own database, and another lane's marker.
    other = host.add_lane("syo")
    tag = EngineTag(
        lane=other.lane, generation=1, database_oid=lane.data().oid, state=TagState.LIVE
    )
    lane.execute(f"COMMENT ON DATABASE \"{lane.database}\" IS '{tag.text()}'")
    with untouched(lane), refused(ReasonCode.MARKER_FOREIGN):
        adopt()
    lose_the_tag(lane)
    lane.execute(f"UPDATE {MARKER_TABLE} SET lane = '{other.lane}'", lane.database)
    with untouched(lane), refused(ReasonCode.MARKER_FOREIGN):
        adopt()
    lane.execute(f"UPDATE {MARKER_TABLE} SET lane = '{lane.lane}'", lane.database)
    host.operate("plan", str(lane.lane), "recreate/existing")
    # The files are gone.
    files = lane.filestore.rename(lane.folder / "away")
    with untouched(lane), refused(ReasonCode.FILESTORE_MISSING):
        adopt()
    files.rename(lane.filestore)
    lane.execute(f'DROP DATABASE "{lane.database}"')
    with untouched(lane), refused(ReasonCode.NOTHING_TO_ENROL):
        adopt()


def test_nothing_is_adopted_while_an_operation_is_under_way(
    host: SmallHost, lane: SmallLane
) -> None:
    begun = host.begin(lane)
    lane.materialise()
    with untouched(lane), refused(ReasonCode.OPERATION_UNFINISHED):
        look(host.office, ADOPT, Asked(lane.lane, RITA, begun.operation_id))


def test_nothing_is_adopted_where_the_guard_or_the_runtime_looks_elsewhere(
    host: SmallHost, lane: SmallLane
) -> None:
    lose_the_tag(lane)
    other = host.add_lane("syo")
    lane.put_guard_back(ODOO_DB_NAME=other.database)
    with untouched(lane), refused(ReasonCode.ENVIRONMENT_OTHER_DATABASE):
        look(host.office, ADOPT, Asked(lane.lane, RITA, "found so"))
    lane.put_guard_back()
    lane.runtime.lie = lambda said: said.model_copy(update={"identity": None})
    with untouched(lane), refused(ReasonCode.RUNTIME_OTHER_DATABASE):
        look(host.office, ADOPT, Asked(lane.lane, RITA, "found so"))


def test_kept_data_that_was_given_the_name_by_hand_is_no_longer_kept(
    host: SmallHost, lane: SmallLane
) -> None:
    old, kept = lane.data(), host.rebuild(lane).kept_name
    assert kept is not None
    lane.execute(f'DROP DATABASE "{lane.database}" WITH (FORCE)')
    lane.execute(f'ALTER DATABASE "{kept}" WITH ALLOW_CONNECTIONS true')
    lane.execute(f'ALTER DATABASE "{kept}" RENAME TO "{lane.database}"')
    shutil.rmtree(lane.filestore)
    (lane.keep / "filestores" / kept).rename(lane.filestore)
    host.live(ADOPT, lane)
    assert lane.data() == old
    assert bound(host, lane)
    record = host.office.store.host_record(lane.lane)
    assert (record.generation, record.kept) == (3, ())
    with untouched(lane), refused(ReasonCode.KEPT_UNKNOWN):
        host.authorize(lane, Operation.RESTORE, DataSource.KEPT, kept_database=kept)
