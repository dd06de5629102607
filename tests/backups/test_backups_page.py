"""docs/backups.md is typed as it stands there, and what docs/odoo-doors.md calls the lawful way."""

import json
import shutil
from pathlib import Path

import pytest

from launchplane_lane_driver.lane_office import utc_now
from tests.backups.test_import import dumped, lane_with_a_picture, launchplane_record, packed
from tests.driver.small_host import SmallHost, SmallLane, untouched
from tests.driver.typed import Typed
from tests.typed_pages import commands_of


@pytest.fixture
def lane(host: SmallHost, backups: Path) -> SmallLane:
    """A production lane whose one file has a name that Odoo gave."""
    return lane_with_a_picture(host, backups)


def test_its_commands(host: SmallHost, lane: SmallLane, tmp_path: Path) -> None:
    name = str(lane.lane)
    dump, files = dumped(lane, tmp_path, "c.gz"), packed(lane, tmp_path, "tar.gz")
    (host.folder / "gate.json").write_text(json.dumps(launchplane_record(lane, dump, files)))
    with untouched(lane), Typed(host, commands_of("backups.md")) as page:
        assert "No backup of" in host.operate("backup", "list", name).stdout
        said = page.type("backup capture")
        (gate,) = host.office.store.evidence(lane.lane).gates
        assert f"lane-authority backup prove {gate.backup_id}" in said
        assert "NOT PROVEN" in host.operate("backup", "list", name).stdout
        page.known["BACKUP"] = gate.backup_id
        assert "not tried" in page.type("backup prove")
        page.type_all("backup list", "backup prune")
        # Nothing was released on it yet.
        assert "nothing_to_do" in page.type("backup give-up", 50)
        page.type_all("drill", "backup import")
        shutil.copy(dump, tmp_path / "syo.dump.gz")
        page.known |= {
            "/backups/syo.dump": str(tmp_path / "syo.dump.gz"),
            "/backups/syo.tar.gz": str(files),
            "2027-01-31T00:00:00Z": utc_now().isoformat(),
        }
        page.type("backup import")
        (line,) = commands_of("odoo-doors.md")
        with Typed(host, [line]) as page:
            assert "source_not_allowed" in page.type("plan", 50)
    listed = json.loads(host.operate("backup", "list", name, "--json").stdout)
    (captured,) = (each for each in listed if each["backup_id"] == gate.backup_id)
    assert captured["of_present_data"]
    assert captured["data_proof"]["backup_id"] == gate.backup_id
