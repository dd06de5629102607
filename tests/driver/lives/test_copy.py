"""`copy`: another lane's data is accepted as a copy, neutralised and without authority."""

import subprocess
from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import MarkerState
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.lives import Asked, carry_out, look
from launchplane_lane_driver.lives.copy import Copy
from tests.driver.lives.test_go_live import marker_says
from tests.driver.lives.test_moved import dump, restore
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
from tests.driver.work.test_interrupted import AFTER, BEFORE, killed_at

COPY = Copy()
MAIL = (
    "CREATE TABLE ir_mail_server (id serial PRIMARY KEY, active boolean);"
    "INSERT INTO ir_mail_server (active) VALUES (true);"
    "CREATE TABLE ir_config_parameter (key text PRIMARY KEY, value text);"
    "CREATE TABLE ir_module_module (name text, state text);"
    "INSERT INTO ir_module_module VALUES ('base', 'installed'), ('mail', 'installed');"
)
NEUTRALISE = (
    "UPDATE ir_mail_server SET active = false;"
    "INSERT INTO ir_config_parameter VALUES ('database.is_neutralized', 'true') "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value;"
)


def asked(lane: SmallLane) -> Asked:
    return Asked(lane.lane, RITA, "for training", with_original=True)


def sends_mail(lane: SmallLane) -> bool:
    opened = lane.cluster.connect(lane.database)
    with opened.cursor() as cursor:
        cursor.execute("SELECT active FROM ir_mail_server")
        ((active,),) = cursor.fetchall()
    opened.close()
    return bool(active)


@pytest.fixture
def addons(tmp_path: Path) -> Path:
    """Odoo's addons, as far as they neutralise."""
    script = tmp_path / "addons" / "base" / "data" / "neutralize.sql"
    script.parent.mkdir(parents=True)
    script.write_text(NEUTRALISE)
    return tmp_path / "addons"


@pytest.fixture
def training(host: SmallHost, production: SmallLane, addons: Path, tmp_path: Path) -> SmallLane:
    """A lane at whose place production's data was restored, with its files."""
    production.execute(MAIL, production.database)
    lane = host.add_lane("cm")
    host.record_policy(resettable_policy(lane.lane))
    dump(production, tmp_path / "dump")
    lane.execute(f'DROP DATABASE "{lane.database}"')
    subprocess.run(
        ["cp", "-a", f"{production.filestore}/.", str(lane.filestore)],
        check=True,
    )
    restore(lane, tmp_path / "dump")
    lane.put_guard_back(ODOO_ADDONS_PATH=str(addons))
    (lane.filestore / FILESTORE_TAG_NAME).unlink()
    return lane


def test_a_copy_is_neutralised_and_has_no_authority(
    host: SmallHost, production: SmallLane, training: SmallLane
) -> None:
    original = production.data()
    assert marker_says(training)[1] is True
    found = look(host.office, COPY, asked(training))
    assert (found.tally.required, found.document.original_seen) == (1, True)
    with untouched(training), refused(ReasonCode.APPROVALS_MISSING):
        carry_out(host.office, COPY, found.digest)
    assert sends_mail(training)
    host.live(COPY, training, asked(training))
    assert marker_says(training) == ("testing", False, 1)
    assert not sends_mail(training)
    assert sends_mail(production)
    assert production.data() == original
    for lane in (production, training):
        assert lane_view(host.office, lane.lane).marker.value is MarkerState.BOUND
    with refused(ReasonCode.NOTHING_TO_DO):
        look(host.office, COPY, asked(training))
    assert host.rebuild(training).phase == "settled"
    host.office.store.verify_ledger()


def test_the_last_of_a_lane_s_data_is_no_copy(
    host: SmallHost, production: SmallLane, training: SmallLane
) -> None:
    """Only while the original is read alive, in the same moment."""
    production.guard_becomes("exit 1")
    with untouched(training), refused(ReasonCode.ORIGINAL_NOT_SEEN):
        look(host.office, COPY, asked(training))
    production.put_guard_back()
    found = look(host.office, COPY, asked(training))
    host.sign(found.digest, RITA, ANN)
    # Without the tag at its own place its files may be those that the copy now stands on.
    (production.filestore / FILESTORE_TAG_NAME).unlink()
    with untouched(training), refused(ReasonCode.ORIGINAL_NOT_SEEN):
        carry_out(host.office, COPY, found.digest)


def test_the_original_is_never_taken_for_a_copy(
    host: SmallHost, production: SmallLane, training: SmallLane
) -> None:
    before = production.data()
    training.database = production.database
    training.put_guard_back()
    host.configure()
    with untouched(training), refused(ReasonCode.MARKER_FOREIGN):
        look(host.office, COPY, asked(training))
    assert production.data() == before


def test_what_cannot_be_neutralised_stays_another_lane_s(
    host: SmallHost, training: SmallLane, addons: Path
) -> None:
    found = look(host.office, COPY, asked(training))
    host.sign(found.digest, RITA, ANN)
    training.put_guard_back()
    with untouched(training), pytest.raises(Refused) as told:
        carry_out(host.office, COPY, found.digest)
    assert [each.code for each in told.value.reasons] == [ReasonCode.NOT_NEUTRALISED]
    assert lane_view(host.office, training.lane).marker.value is MarkerState.FOREIGN
    training.put_guard_back(ODOO_ADDONS_PATH=str(addons))
    carry_out(host.office, COPY, found.digest)
    assert not sends_mail(training)


@pytest.mark.parametrize("script", [pytest.param(BEFORE, marks=pytest.mark.full), AFTER])
def test_a_copying_that_died_goes_on(
    host: SmallHost, training: SmallLane, addons: Path, script: str
) -> None:
    found = look(host.office, COPY, asked(training))
    host.sign(found.digest, RITA, ANN)
    command = ("copy", str(training.lane), "--digest", found.digest)
    training.put_guard_back(ODOO_ADDONS_PATH=str(addons))
    killed_at(host, training, script, "stamp", *command)
    training.put_guard_back(ODOO_ADDONS_PATH=str(addons))
    done = host.operate(*command)
    assert done.code == 0, done.stderr
    assert not sends_mail(training)
    assert lane_view(host.office, training.lane).marker.value is MarkerState.BOUND


def test_what_is_no_copy(host: SmallHost, production: SmallLane, training: SmallLane) -> None:
    def copy(lane: SmallLane = training) -> None:
        look(host.office, COPY, asked(lane))

    with untouched(production), refused(ReasonCode.NOTHING_TO_DO, ReasonCode.POLICY_PROTECTS):
        copy(production)
    tag = (production.filestore / FILESTORE_TAG_NAME).read_bytes()
    (training.filestore / FILESTORE_TAG_NAME).write_bytes(tag)
    with untouched(training), refused(ReasonCode.FILESTORE_FOREIGN):
        copy()
    (training.filestore / FILESTORE_TAG_NAME).unlink()
    host.record_policy(production_policy(training.lane))
    with untouched(training), refused(ReasonCode.POLICY_PROTECTS):
        copy()
