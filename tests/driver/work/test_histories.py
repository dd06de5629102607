"""Random histories on a real small lane, beside a model of which data must be where."""

import os
import random
import secrets
from dataclasses import dataclass, field

import pytest

from launchplane_lane_contracts.contract import DatabaseName, OperationId
from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.vocabulary import DataSource, MarkerState, Operation
from launchplane_lane_driver import operations
from launchplane_lane_driver.lane_view import lane_view
from tests.driver.small_host import SmallHost, SmallLane
from tests.guard.fingerprint import Data, databases

STEPS = 12


@dataclass
class Model:
    """What must be live and what must be kept, told by what was asked and nothing else."""

    live: Data
    kept: dict[int, Data] = field(default_factory=dict)
    """By oid."""
    operation: OperationId | None = None
    before: Data | None = None
    """What was live before the operation that is unfinished."""
    coming: Data | None = None
    """Kept data that came with it."""
    materialised: bool = False


class History:
    """One lane, its model, and the steps that may come next."""

    def __init__(self, host: SmallHost, lane: SmallLane, seed: str) -> None:
        self.host, self.lane = host, lane
        self.chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self.model = Model(lane.data())
        self.told: list[str] = []

    def step(self) -> None:
        """Any step that is lawful now, or one that is not and must change nothing."""
        if self.model.operation is None:
            steps = [self.begin_empty, self.unlawful]
            steps += [self.begin_kept] * (2 if self.model.kept else 0)
        else:
            steps = [self.undo, self.finish, self.unlawful]
            steps += [] if self.model.coming else [self.materialise]
        chosen = self.chance.choice(steps)
        self.told.append(chosen.__name__)
        chosen()

    def begin_empty(self) -> None:
        begun = self.host.begin(self.lane)
        self._begun(begun.operation_id)

    def begin_kept(self) -> None:
        oid = self.chance.choice(sorted(self.model.kept))
        begun = self.host.begin(
            self.lane, Operation.RESTORE, DataSource.KEPT, kept_database=self._name_of(oid)
        )
        coming = self.model.kept.pop(oid)
        self._begun(begun.operation_id)
        self.model.coming = coming

    def _begun(self, operation_id: OperationId) -> None:
        model = self.model
        model.operation, model.before, model.materialised = operation_id, model.live, False

    def _name_of(self, oid: int) -> DatabaseName:
        record = self.host.office.store.host_record(self.lane.lane)
        (name,) = (each.name for each in record.kept if each.database_oid == oid)
        return name

    def materialise(self) -> None:
        self.lane.materialise(f"made {len(self.told)}")
        self.model.materialised = True

    def finish(self) -> None:
        model = self.model
        assert model.operation is not None
        assert model.before is not None
        succeeded = self.chance.random() < 0.8
        try:
            operations.finish(self.host.office, model.operation, succeeded=succeeded)
        except LaneAuthorityError:
            # Somebody who said no, or nothing that came: the operation is still to be ended.
            assert not succeeded or not (model.materialised or model.coming)
            return
        assert succeeded
        model.kept[model.before.oid] = model.before
        model.live = model.coming or self.lane.data()
        self._ended()

    def undo(self) -> None:
        model = self.model
        assert model.operation is not None
        assert model.before is not None
        came = model.coming
        if came is None and model.materialised:
            came = self.lane.data()
        operations.undo(self.host.office, model.operation)
        if came is not None:
            model.kept[came.oid] = came
        model.live = model.before
        self._ended()

    def _ended(self) -> None:
        self.model.operation = self.model.before = self.model.coming = None

    def unlawful(self) -> None:
        before = self.lane.everything()
        try:
            if self.model.operation is None:
                last = self.host.office.store.operations(self.lane.lane)
                operations.undo(self.host.office, self.chance.choice(last).operation_id)
            else:
                self.host.authorize(self.lane)
        except (LaneAuthorityError, IndexError):
            assert self.lane.everything() == before
        else:
            raise AssertionError("it was allowed")

    def check(self) -> None:
        """Every row and file of the model is where it must be, and the store says the same."""
        model, lane = self.model, self.lane
        record = self.host.office.store.host_record(lane.lane)
        there = databases(lane.cluster)
        names = {row.oid: name for name, row in there.items()}
        if model.operation is None:
            assert lane.data() == model.live
            view = lane_view(self.host.office, lane.lane)
            assert view.marker.value is MarkerState.BOUND, view.marker
            assert view.unfinished is None
            assert {each.database_oid for each in record.kept} == set(model.kept)
            assert {each.name for each in record.kept} == set(there) - {lane.database}
        elif model.before is not None:
            assert lane.kept_data(names[model.before.oid]) == model.before
        if model.coming is not None:
            assert lane.data() == model.coming
        for oid, data in model.kept.items():
            assert lane.kept_data(names[oid]) == data
            assert there[names[oid]].locked
            assert not there[names[oid]].takes_connections
        self.host.office.store.verify_ledger()


def test_whatever_the_order_no_row_and_no_file_is_lost(host: SmallHost, lane: SmallLane) -> None:
    # The same history each time, so that a failure is the change's; the full run makes new ones.
    live_through(host, lane, os.environ.get("LANE_AUTHORITY_HISTORY_SEED") or "one morning")


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("_number", range(30))
def test_thirty_other_histories(host: SmallHost, lane: SmallLane, _number: int) -> None:
    live_through(host, lane, secrets.token_hex(4))


def live_through(host: SmallHost, lane: SmallLane, seed: str) -> None:
    """Take the steps of one history, and look after each of them."""
    history = History(host, lane, seed)
    try:
        for _number in range(STEPS):
            history.step()
            history.check()
        if history.model.operation is not None:
            history.undo()
            history.check()
    except BaseException:
        print(f"LANE_AUTHORITY_HISTORY_SEED={seed}: {', '.join(history.told)}")
        raise
