"""Hands on the server and the keep between two steps: data comes back whole, or nothing moves."""

import shutil

from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, MarkerState, Operation
from launchplane_lane_driver import operations
from launchplane_lane_driver.lane_view import lane_view
from tests.driver.small_host import SmallHost, SmallLane, refused, resettable_policy, untouched


def bound(host: SmallHost, lane: SmallLane) -> bool:
    """Whether marker, tags and record agree, and nothing is unfinished."""
    view = lane_view(host.office, lane.lane)
    host.office.store.verify_ledger()
    return view.marker.value is MarkerState.BOUND and view.unfinished is None


def test_an_undo_without_the_kept_folder_moves_nothing(host: SmallHost, lane: SmallLane) -> None:
    old = lane.data()
    begun = host.begin(lane)
    lane.materialise()
    folder = lane.keep / "filestores" / str(begun.kept_name)
    folder.rename(lane.folder / "taken-away")
    with untouched(lane), refused(ReasonCode.UNDO_IMPOSSIBLE):
        operations.undo(host.office, begun.operation_id)
    (lane.folder / "taken-away").rename(folder)
    assert operations.undo(host.office, begun.operation_id).phase == "undone"
    assert lane.data() == old
    assert bound(host, lane)


def test_an_undo_with_another_lanes_folder_in_the_keep_moves_nothing(
    host: SmallHost, lane: SmallLane
) -> None:
    other = host.add_lane("opw")
    host.record_policy(resettable_policy(other.lane))
    host.enrol(other)
    theirs = host.begin(other)
    old = lane.data()
    begun = host.begin(lane)
    lane.materialise()
    folder = lane.keep / "filestores" / str(begun.kept_name)
    foreign = other.keep / "filestores" / str(theirs.kept_name)
    folder.rename(lane.folder / "taken-away")
    shutil.copytree(foreign, folder)
    with untouched(lane), refused(ReasonCode.UNDO_IMPOSSIBLE):
        operations.undo(host.office, begun.operation_id)
    shutil.rmtree(folder)
    (lane.folder / "taken-away").rename(folder)
    operations.undo(host.office, begun.operation_id)
    assert lane.data() == old
    assert bound(host, lane)


def test_kept_data_with_another_kept_folder_does_not_come_back(
    host: SmallHost, lane: SmallLane
) -> None:
    first = host.rebuild(lane, "second").kept_name
    second = host.rebuild(lane, "third").kept_name
    folders = lane.keep / "filestores"
    (folders / str(first)).rename(folders / "between")
    (folders / str(second)).rename(folders / str(first))
    (folders / "between").rename(folders / str(second))
    with untouched(lane), refused(ReasonCode.KEPT_CHANGED):
        host.authorize(lane, Operation.RESTORE, DataSource.KEPT, kept_database=first)


def test_kept_data_whose_folder_was_emptied_does_not_come_back(
    host: SmallHost, lane: SmallLane
) -> None:
    kept = host.rebuild(lane).kept_name
    folder = lane.keep / "filestores" / str(kept)
    shutil.rmtree(folder)
    folder.mkdir()
    with untouched(lane), refused(ReasonCode.KEPT_CHANGED):
        host.authorize(lane, Operation.RESTORE, DataSource.KEPT, kept_database=kept)


def test_an_undo_after_somebody_renamed_the_kept_database_back(
    host: SmallHost, lane: SmallLane
) -> None:
    old = lane.data()
    begun = host.begin(lane)
    lane.materialise()
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO came')
    lane.execute(f'ALTER DATABASE "{begun.kept_name}" RENAME TO "{lane.database}"')
    assert operations.undo(host.office, begun.operation_id).phase == "undone"
    assert lane.data() == old
    assert bound(host, lane)


def test_kept_data_given_the_name_by_hand_is_not_what_was_made(
    host: SmallHost, lane: SmallLane
) -> None:
    kept = host.rebuild(lane).kept_name
    new = lane.data()
    begun = host.begin(lane)
    lane.execute(f'ALTER DATABASE "{kept}" WITH IS_TEMPLATE false ALLOW_CONNECTIONS true')
    lane.execute(f'ALTER DATABASE "{kept}" RENAME TO "{lane.database}"')
    shutil.rmtree(lane.filestore)
    shutil.copytree(lane.keep / "filestores" / str(kept), lane.filestore)
    with untouched(lane), refused(ReasonCode.RESULT_NOT_AS_PERMITTED):
        operations.finish(host.office, begun.operation_id, succeeded=True)
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO "{kept}"')
    lane.execute(f'ALTER DATABASE "{kept}" WITH IS_TEMPLATE true ALLOW_CONNECTIONS false')
    operations.undo(host.office, begun.operation_id)
    assert lane.data() == new
    assert bound(host, lane)


def test_hands_in_the_keep_give_sentences(host: SmallHost, lane: SmallLane) -> None:
    begun = host.begin(lane)
    old = (lane.keep / "lane").read_bytes()
    (lane.keep / "filestores" / "lost+found (1)").mkdir()
    for content in (b"\xff\xfe\x00", b""):
        (lane.keep / "lane").write_bytes(content)
        done = host.operate("undo", begun.operation_id)
        assert (done.code, str(lane.keep) in done.stderr) == (51, True), done
        assert "that it does not know" not in done.stderr
    (lane.keep / "lane").write_bytes(old)
    lane.keep.rename(lane.folder / "away")
    done = host.operate("undo", begun.operation_id)
    assert (done.code, "Traceback" in done.stderr) == (51, False), done
    (lane.folder / "away").rename(lane.keep)
    operations.undo(host.office, begun.operation_id)
    assert bound(host, lane)


def test_data_that_should_have_stayed_and_was_renamed_away_is_finished_when_it_is_back(
    host: SmallHost, lane: SmallLane
) -> None:
    old = lane.data()
    begun = host.begin(lane, Operation.RECREATE, DataSource.EXISTING)
    lane.execute(f'ALTER DATABASE "{lane.database}" RENAME TO away')
    lane.make_data("another", "another")
    lane.execute(f'ALTER DATABASE another RENAME TO "{lane.database}"')
    with untouched(lane):
        done = host.operate("finish", begun.operation_id)
        assert "give it its name back" in done.stderr + done.stdout, done
        assert "Undo the operation" not in done.stderr + done.stdout
    lane.execute(f'DROP DATABASE "{lane.database}"')
    lane.execute(f'ALTER DATABASE away RENAME TO "{lane.database}"')
    operations.finish(host.office, begun.operation_id, succeeded=True)
    assert lane.data() == old
    assert bound(host, lane)
