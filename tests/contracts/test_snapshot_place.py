"""What a server has written between two moments."""

import pytest

from launchplane_lane_contracts.snapshot_place import NewSince, SnapshotPlace, new_since

THEN = SnapshotPlace(wal_position="1/FFFFFF00", transactions="700:735:701,733")


@pytest.mark.parametrize(
    ("wal", "transactions", "expected"),
    [
        ("1/FFFFFF00", "735:735:", NewSince(wal_bytes=0, transactions=0)),
        ("2/0", "740:745:740", NewSince(wal_bytes=256, transactions=10)),
        ("1/FFFFFEFF", "740:745:", None),
        ("2/0", "700:734:", None),
    ],
)
def test_what_came_between_two_moments(
    wal: str, transactions: str, expected: NewSince | None
) -> None:
    now = SnapshotPlace(wal_position=wal, transactions=transactions)
    assert new_since(THEN, now) == expected
