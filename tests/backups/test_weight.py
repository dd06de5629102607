"""A database with weight: rows and attachments as a small company has them, or a real one."""

import pytest

from benchmarks.backup import guard
from benchmarks.fingerprint import fill
from launchplane_lane_contracts.contract import BackupId
from launchplane_lane_guard.capture import capture
from launchplane_lane_guard.prove import prove
from tests.backups.conftest import settings_of
from tests.backups.places import folder_in_memory
from tests.guard.attachments import attach
from tests.guard.estate import Estate

FULL = (1_000_000, 5_000)
TENTH = (40_000, 500)
"""Rows in each of two large tables, of which a third has half as many; files."""
ROOM_FOR_MORE = 1.5
"""How much more memory ten times the data may take: it has ten times the names of files."""


def grown(lane: Estate, rows: int, files: int) -> int:
    """Give the lane this many rows in each of its large tables; how many files it has then."""
    fill(lane, rows)
    attach(lane, files, "weight")
    return 12 + files


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "more"), [TENTH, pytest.param(*FULL, marks=pytest.mark.full)])
@pytest.mark.timeout(3000)
def test_a_database_with_weight_is_captured_and_proven(lane: Estate, rows: int, more: int) -> None:
    files = grown(lane, rows, more)
    with folder_in_memory() as backups:
        settings = settings_of(lane, backups)
        backup = capture(settings).backup
        assert backup.manifest.fingerprint.rows > 2 * rows
        assert backup.manifest.filestore.count == files
        found = prove(settings, backup.manifest.backup_id)
        assert found.data_proof is not None, found.differences


@pytest.mark.full
@pytest.mark.timeout(3000)
def test_memory_does_not_grow_with_the_data(lane: Estate) -> None:
    used: list[tuple[int, int]] = []
    for rows in (20_000, 200_000):
        if used:
            for table in ("account_move_line", "mail_message", "account_tax_line_rel"):
                lane.execute(f"DROP TABLE {table}", lane.database)
        grown(lane, rows, rows // 200)
        with folder_in_memory() as backups:
            answer, captured = guard(lane, "capture", "--backups", str(backups))
            gate = answer["gate"]
            assert isinstance(gate, dict)
            name = BackupId(str(gate["backup_id"]))
            _answer, proven = guard(lane, "prove", "--backups", str(backups), name)
            used.append((captured, proven))
    for once, ten_times in zip(*used, strict=True):
        assert ten_times < once * ROOM_FOR_MORE
