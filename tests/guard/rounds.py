"""One round of each of the four commands that move data, made to be broken off and carried on.

A round brings its lane to the moment before its command, knows which data must never be lost, and
knows the two ways on: the same command again, and the way back.
"""

import shutil

from launchplane_lane_contracts.evidence import KeptData
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.vocabulary import DataSource
from tests.guard import fingerprint
from tests.guard.child import Answer
from tests.guard.estate import Estate, refused


class Round:
    """What all rounds have in common."""

    command = ""
    source = DataSource.BACKUP_RESTORE
    permit: Permit
    """The permit of the rebuild that the round is about."""

    def __init__(self, lane: Estate) -> None:
        self.lane = lane
        self.old = lane.data()
        self.precious = [self.old]
        self.token = self._prepare()

    def _prepare(self) -> str:
        raise NotImplementedError

    def again(self) -> Answer:
        """The same command once more."""
        return self.lane.run(self.command, self.token)

    def again_to_the_end(self) -> None:
        """The same command once more comes to its end."""
        answer = self.again()
        assert answer.exit_code == 0, answer.words

    def back(self) -> None:
        """The way back: the old data stands under its name, identical, and the lane is usable."""
        raise NotImplementedError

    def is_nothing_lost(self) -> None:
        """Every row and file of the precious data is there, whole, somewhere."""
        there = {each.oid: name for name, each in fingerprint.databases(self.lane.cluster).items()}
        folders = [self.lane.filestore, *(self.lane.keep / "filestores").glob("*")]
        files = [fingerprint.files_of(folder, with_tag=False) for folder in folders]
        for data in self.precious:
            name = there[data.oid]
            rows = fingerprint.rows_of(self.lane.cluster, name, with_marker=False)
            assert rows == data.rows, name
            assert data.files in files

    def clear(self) -> None:
        """Forget everything that is kept, so that the next round begins as the first one did."""
        lane = self.lane
        for name in fingerprint.databases(lane.cluster).keys() - {lane.database, "standing"}:
            lane.cluster.execute(f'ALTER DATABASE "{name}" WITH IS_TEMPLATE false')
            lane.cluster.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        for part in ("filestores", "begun", "released"):
            shutil.rmtree(lane.keep / part, ignore_errors=True)
        lane.record = lane.record.model_copy(update={"kept": ()})

    def _put_back(self, permit: Permit) -> str:
        """Undo and settle; the name of what is kept instead."""
        lane = self.lane
        order = lane.undo_order(permit)
        lane.done("undo", lane.sign(order))
        assert lane.data() == self.old
        assert lane.takes_connections()
        lane.stamp(lane.stamp_order(lane.show(), permit=permit, generation=order.generation))
        self.is_nothing_lost()
        return order.remains_name


class BeginRound(Round):
    """`begin` sets the old data aside."""

    command = "begin"

    def _prepare(self) -> str:
        self.permit = self.lane.permit(self.source)
        return self.lane.sign(self.permit)

    def again_to_the_end(self) -> None:
        """The same command once more comes to its end."""
        answer = self.again()
        if answer.exit_code != 0:
            refused(answer, "permit_already_begun")
        assert self.lane.kept_data(self.permit.kept_name) == self.old

    def back(self) -> None:
        """The way back."""
        self._put_back(self.permit)


class FinishRound(Round):
    """`finish` marks what came."""

    command = "finish"

    def _prepare(self) -> str:
        self.permit = self.lane.permit(self.source)
        token = self.lane.sign(self.permit)
        self.lane.done("begin", token)
        self.lane.materialise()
        self.precious.append(self.lane.data())
        return token

    def back(self) -> None:
        """The way back."""
        self._put_back(self.permit)


class UndoRound(Round):
    """`undo` puts the old data back and keeps the new."""

    command = "undo"

    def _prepare(self) -> str:
        self.permit = self.lane.permit(self.source)
        self.lane.done("begin", self.lane.sign(self.permit))
        self.lane.materialise()
        self.precious.append(self.lane.data())
        return self.lane.sign(self.lane.undo_order(self.permit))

    def again_to_the_end(self) -> None:
        """The same command once more comes to its end."""
        super().again_to_the_end()
        assert self.lane.data() == self.old

    def back(self) -> None:
        """The way back."""
        remains = self._put_back(self.permit)
        assert self.lane.kept_data(remains) == self.precious[1]


class ReleaseRound(Round):
    """`release` drops the old data, which an order says may go; everything else is precious."""

    command = "release"
    kept: KeptData

    def _prepare(self) -> str:
        self.permit, self.kept = self.lane.rebuild("new", self.source)
        self.precious = [self.lane.data()]
        # Authoritative data needs a proof, which makes the release read all of it once more.
        basis = self.lane.proof_of(self.kept) if self.lane.protected else None
        return self.lane.sign(self.lane.release_order(self.kept, basis))

    def is_nothing_lost(self) -> None:
        """Every row and file of the precious data is there, whole, somewhere."""
        super().is_nothing_lost()
        self._wait_for_its_session()
        there = {each.oid: name for name, each in fingerprint.databases(self.lane.cluster).items()}
        if self.old.oid not in there or self._is_invalid():
            return
        # As long as the database is there, it is whole, and so are its files.
        name = there[self.old.oid]
        assert fingerprint.rows_of(self.lane.cluster, name, with_marker=False) == self.old.rows
        folder = self.lane.keep / "filestores" / self.kept.name
        assert fingerprint.files_of(folder, with_tag=False) == self.old.files

    def _wait_for_its_session(self) -> None:
        """PostgreSQL carries a statement to its end though the guard that sent it was killed."""
        running = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'lane-authority-guard'"
        while self.lane.cluster.execute(running):
            pass

    def _is_invalid(self) -> bool:
        """Whether its drop was broken off in the middle; then it is gone for everybody."""
        ((limit,),) = self.lane.cluster.execute(
            f"SELECT datconnlimit FROM pg_database WHERE oid = {self.old.oid}"
        )
        return bool(limit == -2)

    def again_to_the_end(self) -> None:
        """The same command once more comes to its end."""
        super().again_to_the_end()
        oids = {each.oid for each in fingerprint.databases(self.lane.cluster).values()}
        assert self.old.oid not in oids
        assert not list((self.lane.keep / "filestores").glob("*"))
        assert not list((self.lane.keep / "released").rglob("filestore"))

    def back(self) -> None:
        """There is no way back from a release that was ordered: it comes to its end."""
        self.again_to_the_end()
        assert self.lane.data() == self.precious[0]
        assert self.lane.takes_connections()
        self.lane.permit(self.source)


ROUNDS: tuple[type[Round], ...] = (BeginRound, FinishRound, UndoRound, ReleaseRound)
