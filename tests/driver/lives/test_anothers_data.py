"""What another lane has on record is that lane's, though it lost everything that says so."""

import shutil
from typing import Any

from launchplane_lane_contracts.marker import EVENT_TABLE, FILESTORE_TAG_NAME, MARKER_TABLE
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, MarkerState, Operation
from launchplane_lane_driver import operations
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.lives import Asked, Life, carry_out, look
from launchplane_lane_driver.lives.adopt import Adopt
from launchplane_lane_driver.lives.enrol import Enrol
from launchplane_lane_driver.lives.lost import DeclareLost
from launchplane_lane_driver.lives.retire import Retire
from tests.driver.small_host import (
    ANN,
    RITA,
    SmallHost,
    SmallLane,
    production_policy,
    refused,
    resettable_policy,
    untouched,
)
from tests.guard import fingerprint

LIVES: tuple[Life[Any], ...] = (Enrol(), Adopt(), DeclareLost(), Retire())


def forget(lane: SmallLane) -> None:
    """Take everything off a database that says whose it is."""
    lane.execute(f"DROP TABLE {MARKER_TABLE}, {EVENT_TABLE} CASCADE", lane.database)
    lane.execute(f'COMMENT ON DATABASE "{lane.database}" IS NULL')


def misdirect(host: SmallHost, lane: SmallLane, to: SmallLane) -> None:
    """Lead a lane's guard and configuration to another lane's database, with files of no tag."""
    lane.database = to.database
    shutil.rmtree(lane.filestore, ignore_errors=True)
    shutil.copytree(to.filestore, lane.filestore)
    (lane.filestore / FILESTORE_TAG_NAME).unlink()
    lane.put_guard_back(ODOO_FILESTORE_PATH=str(lane.filestore))
    host.configure()


def test_recorded_data_is_never_enrolled_for_another_lane(
    host: SmallHost, production: SmallLane
) -> None:
    other = host.place_for_lane("zz")
    host.take_up(other)
    host.record_policy(resettable_policy(other.lane))
    forget(production)
    misdirect(host, other, production)
    with untouched(production), refused(ReasonCode.MARKER_FOREIGN, ReasonCode.ALREADY_ENROLLED):
        look(host.office, Enrol(), Asked(other.lane, RITA))
    view = lane_view(host.office, other.lane)
    assert view.marker.value is MarkerState.FOREIGN
    assert str(production.lane) in view.marker.detail
    assert any(str(production.lane) in each.message for each in view.warnings)
    decision = host.plan(other, Operation.RECREATE, DataSource.EMPTY).decision
    assert ReasonCode.MARKER_FOREIGN in {each.code for each in decision.reasons}
    # The lane that it belongs to has its way on.
    host.live(Adopt(), production)
    assert lane_view(host.office, production.lane).marker.value is MarkerState.BOUND
    assert fingerprint.databases(host.cluster)[production.database].locked


def test_a_lane_that_is_led_to_recorded_data_does_nothing_with_it(
    host: SmallHost, production: SmallLane
) -> None:
    other = host.enrolled(host.add_lane("zz"))
    enrolment = look(host.office, Retire(), Asked(other.lane, RITA, "it ends"))
    authorized = host.authorize(other, Operation.RECREATE, DataSource.EMPTY)
    forget(production)
    misdirect(host, other, production)
    with untouched(production), refused(ReasonCode.MARKER_FOREIGN):
        operations.start(host.office, authorized.operation_id)
    operations.undo(host.office, authorized.operation_id)
    for life in LIVES:
        with untouched(production), refused(ReasonCode.MARKER_FOREIGN):
            look(host.office, life, Asked(other.lane, RITA, "it looks like ours"))
    host.sign(enrolment.digest, RITA, ANN)
    with untouched(production), refused(ReasonCode.MARKER_FOREIGN):
        carry_out(host.office, Retire(), enrolment.digest)


def test_a_lock_of_which_nobody_recorded_why_stays(host: SmallHost, bare: SmallLane) -> None:
    host.record_policy(resettable_policy(bare.lane))
    found = look(host.office, Enrol(), Asked(bare.lane, RITA))
    host.sign(found.digest, RITA, ANN)
    bare.execute(f'ALTER DATABASE "{bare.database}" IS_TEMPLATE true')
    with untouched(bare), refused(ReasonCode.ALREADY_ENROLLED):
        carry_out(host.office, Enrol(), found.digest)
    # Locked as soon as the host has read it: the guard itself refuses then.
    bare.execute(f'ALTER DATABASE "{bare.database}" IS_TEMPLATE false')
    environment = bare.environment()
    bare.guard_becomes(
        f"[ $1 = stamp ] && PGPASSWORD='{environment['ODOO_DB_PASSWORD']}' psql -q -h "
        f"{environment['ODOO_DB_HOST']} -p {environment['ODOO_DB_PORT']} -U "
        f"{environment['ODOO_DB_USER']} -d postgres -c "
        f"'ALTER DATABASE {bare.database} IS_TEMPLATE true'\n"
        'exec "$GUARD" "$@"'
    )
    with refused(ReasonCode.ALREADY_ENROLLED):
        carry_out(host.office, Enrol(), found.digest)
    assert fingerprint.databases(bare.cluster)[bare.database].locked
    assert host.office.store.host_record(bare.lane).generation is None
    bare.put_guard_back()
    host.record_policy(production_policy(bare.lane))
    host.enrol(bare)
    assert fingerprint.databases(bare.cluster)[bare.database].locked
