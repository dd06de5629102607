"""The guard planted off: the same dangers, bare. Here each must do its harm.

Were one of these to fail, the tests of the same name elsewhere would prove nothing.
"""

import pytest

from launchplane_lane_guard import order_check, sessions, swap
from launchplane_lane_guard.tokens import PublicKeys
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused


def test_a_bare_drop_loses_the_data(lane: Estate) -> None:
    before = lane.everything()
    lane.drop_like_the_devkit()
    assert lane.everything() != before
    assert lane.database not in fingerprint.databases(lane.cluster)


def test_the_devkit_without_a_begin_loses_rows_and_files(lane: Estate) -> None:
    old = lane.data()
    lane.materialise()
    assert old.oid not in {each.oid for each in fingerprint.databases(lane.cluster).values()}
    assert lane.data().rows != old.rows
    assert lane.data().files != old.files


def test_a_rename_alone_is_seen_by_the_comparison(lane: Estate) -> None:
    before = lane.everything()
    lane.execute(f"ALTER DATABASE {lane.database} RENAME TO elsewhere")
    assert lane.everything() != before


def test_one_changed_row_is_seen(lane: Estate) -> None:
    before, data = lane.everything(), lane.data()
    lane.execute("UPDATE res_partner SET name = 'x' WHERE id = 7", lane.database)
    assert lane.everything() != before
    assert lane.data() != data


def test_one_changed_file_is_seen(lane: Estate) -> None:
    before, data = lane.everything(), lane.data()
    (lane.filestore / "ab/abcdef").write_bytes(b"an invoicf")
    assert lane.everything() != before
    assert lane.data() != data


def test_without_the_check_of_the_place_a_permit_reaches_another_filestore(
    lane: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = lane.sign(lane.permit())
    monkeypatch.setattr(order_check, "_differences", lambda _order, _settings: ())
    other = lane.folder / "other" / lane.database
    other.parent.mkdir()
    lane.filestore.rename(other)
    before = lane.everything()
    answer = lane.run("begin", token, ODOO_FILESTORE_PATH=str(other.parent))
    # The second line of defence: the rule book asks for the recorded path.
    refused(answer, "filestore_elsewhere")
    assert lane.everything() == before


def test_without_the_check_of_the_signature_a_forged_permit_moves_the_data(
    lane: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    permit = lane.permit()
    before = lane.everything()
    refused(lane.run("begin", "forged"), "order_refused")
    assert lane.everything() == before
    monkeypatch.setattr(PublicKeys, "order", lambda *_given, **_named: permit)
    assert lane.run("begin", "forged").exit_code == 0
    assert lane.everything() != before


def test_without_the_closing_again_a_failed_begin_leaves_the_lane_closed(
    lane: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SECONDS_FOR_SESSIONS_TO_END", 0.2)
    monkeypatch.setattr(swap, "_open_again", lambda *_given: True)
    held = lane.cluster.connect(lane.database, lane.cluster.superuser)
    refused(lane.run("begin", lane.sign(lane.permit())), "set_aside_impossible")
    assert not fingerprint.databases(lane.cluster)[lane.database].takes_connections
    held.close()
    monkeypatch.undo()
    lane.done("reopen")
    assert lane.takes_connections()
