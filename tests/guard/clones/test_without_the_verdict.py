"""The verdict planted off: the same copies, and now a begin moves them. Here harm must be done.

Were one of these to fail, the refusals of this folder would prove nothing.
"""

from collections.abc import Callable

import pytest

from launchplane_lane_contracts.contract import FilestorePath
from launchplane_lane_contracts.observation import FilestoreObservation, MarkerObservation
from launchplane_lane_contracts.vocabulary import FilestoreState, MarkerState
from launchplane_lane_guard import begin
from tests.guard.clones.other_lane import other_lane
from tests.guard.clones.test_dump_of_another_lane import by_template
from tests.guard.clones.test_template_copy import exchange
from tests.guard.clones.verdict import signed_before
from tests.guard.dumps import dump, restore
from tests.guard.estate import Estate


def in_place(lane: Estate) -> None:
    dump(lane, lane.database)
    restore(lane, lane.database, "--clean", "--if-exists")


def of_another_lane(lane: Estate) -> None:
    by_template(lane, other_lane(lane, protected=True))


@pytest.mark.parametrize("come", [exchange, in_place, of_another_lane])
def test_without_the_verdict_a_begin_moves_the_copy(
    lane: Estate, monkeypatch: pytest.MonkeyPatch, come: Callable[[Estate], None]
) -> None:
    token = signed_before(lane)
    come(lane)
    bound = MarkerObservation(state=MarkerState.BOUND, generation=1)
    monkeypatch.setattr(begin, "judge_marker", lambda *_given: bound)
    ours = FilestoreObservation(state=FilestoreState.OURS, path=FilestorePath(str(lane.filestore)))
    monkeypatch.setattr(begin, "judge_filestore", lambda *_given: ours)
    monkeypatch.setattr(begin, "_moved", lambda *_given: ())
    before = lane.everything()
    assert lane.run("begin", token).exit_code == 0
    assert lane.everything() != before
