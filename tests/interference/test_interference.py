"""Another process interferes at every step: nothing of the old data is lost, the end is named.

Each time the guard is held before one of its steps, reads included; somebody else does something to
the lane's databases; then the guard goes on. It may do its work or refuse, but it says which; what
somebody wrote and was told to be written is in the old data; and one command leads on.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from launchplane_lane_guard import sessions
from tests.guard import fingerprint
from tests.guard.estate import Estate, refused
from tests.guard.rounds import ROUNDS, ReleaseRound, Round
from tests.guard.steps import held_before

SURELY_AS_MANY = 30
SECONDS_UNTIL_IT_WAITS_FOR_A_LOCK = 1.0
ELSEWHERE = "elsewhere"
SQUATTER = "somebody else"


class Interference:
    """Somebody else, with the rights of the lane's own role unless it is said otherwise."""

    def __init__(self, round_: Round) -> None:
        self.round = round_
        self.lane = round_.lane
        self.written = False
        self.held: list[Connection] = []
        self.renamed_from: str | None = None
        self.made: str | None = None

    @property
    def cluster_names(self) -> dict[int, str]:
        """Each database's name by its oid."""
        return {each.oid: name for name, each in fingerprint.databases(self.lane.cluster).items()}

    def old_name(self) -> str | None:
        """Where the old data stands at this moment."""
        return self.cluster_names.get(self.round.old.oid)

    def connects(self) -> None:
        """Opens a session in the old data and stays."""
        with suppress(psycopg2.Error):
            self.held.append(self.lane.cluster.connect(self.old_name() or self.lane.database))

    def connects_as_superuser(self) -> None:
        """The same as somebody whose session the guard may not end."""
        boss = self.lane.cluster.superuser
        with suppress(psycopg2.Error):
            self.held.append(self.lane.cluster.connect(self.old_name() or "postgres", boss))

    def writes(self) -> None:
        """Adds a row to the old data, and goes."""
        name = self.old_name()
        if name is None:
            return
        statement = (
            "SET default_transaction_read_only = off;"
            "INSERT INTO res_partner (name) VALUES ('paid meanwhile')"
        )
        with suppress(psycopg2.Error):
            self.lane.execute(statement, name)
            self.written = True
            # From now on this is what must not be lost.
            rows = fingerprint.rows_of(self.lane.cluster, name, with_marker=False)
            assert rows != self.round.old.rows
            self.round.old = replace(self.round.old, rows=rows)

    def renames(self) -> None:
        """Gives the old data another name."""
        name = self.old_name()
        if name is None:
            return
        with suppress(psycopg2.Error):
            self.lane.execute(f'ALTER DATABASE "{name}" RENAME TO {ELSEWHERE}')
            self.renamed_from = name

    def drops(self) -> None:
        """What the devkit does, and the same with the name of the old data."""
        for name in {self.lane.database, self.old_name() or self.lane.database}:
            with suppress(psycopg2.Error):
                self.lane.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def creates(self) -> None:
        """Makes a database under the vacated name, as an Odoo that starts does."""
        with suppress(psycopg2.Error):
            self.lane.create_database(self.lane.database, SQUATTER)
            self.made = self.lane.database

    def goes(self) -> None:
        """Ends what stands in the way by hand, as the messages say."""
        for each in self.held:
            each.close()
        if self.renamed_from is not None and ELSEWHERE in self.cluster_names.values():
            self.lane.execute(f'ALTER DATABASE {ELSEWHERE} RENAME TO "{self.renamed_from}"')


Action = Callable[[Interference], None]
ACTIONS: tuple[Action, ...] = (
    Interference.connects,
    Interference.connects_as_superuser,
    Interference.writes,
    Interference.renames,
    Interference.drops,
    Interference.creates,
)
each_kind = pytest.mark.parametrize("kind", ROUNDS, ids=lambda kind: kind.command)
each_action = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.__name__)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard that does not wait long for sessions that cannot be ended."""
    monkeypatch.setattr(sessions, "SECONDS_FOR_SESSIONS_TO_END", 0.2)


def interfere(lane: Estate, kind: type[Round], action: Action, number: int) -> bool:
    """One round; False when the command has no step of that number."""
    round_ = kind(lane)
    held = held_before(lane, kind.command, round_.token, number, reads=True)
    somebody = Interference(round_)
    with ThreadPoolExecutor(max_workers=1) as other:
        acting = other.submit(action, somebody) if held.step else None
        if acting is not None:
            # In a transaction of the guard's, somebody else has to wait for its end.
            wait((acting,), SECONDS_UNTIL_IT_WAITS_FOR_A_LOCK)
        answer = held.go_on()
    if acting is not None:
        acting.result()
    assert "Traceback" not in answer.words, (held.step, answer.words)
    assert answer.exit_code in (0, 50, 51), (held.step, answer.words)
    assert answer.receipt is not None, held.step
    assert answer.exit_code == 0 or answer.receipt.message, held.step
    is_nothing_of_the_old_lost(round_, held.step)
    somebody.goes()
    lead_on(round_, somebody)
    round_.clear()
    return bool(held.step)


def is_nothing_of_the_old_lost(round_: Round, step: str) -> None:
    """Old rows and files are there, whole; a release may have dropped what it was ordered to."""
    lane = round_.lane
    safe = [round_.old] if not isinstance(round_, ReleaseRound) else [round_.precious[0]]
    names = {each.oid: name for name, each in fingerprint.databases(lane.cluster).items()}
    if isinstance(round_, ReleaseRound) and round_.old.oid in names:
        safe.append(round_.old)
    folders = [lane.filestore, *(lane.keep / "filestores").glob("*")]
    files = [fingerprint.files_of(folder, with_tag=False) for folder in folders]
    for data in safe:
        assert data.oid in names, step
        rows = fingerprint.rows_of(lane.cluster, names[data.oid], with_marker=False)
        assert rows == data.rows, step
        assert data.files in files, step


def lead_on(round_: Round, somebody: Interference) -> None:
    """One command leads on to a lane that can be used."""
    lane = round_.lane
    if isinstance(round_, ReleaseRound):
        if somebody.written and somebody.old_name() is not None:
            # What was written in the last moment is not in the proof, so it is not dropped.
            refused(round_.again(), "kept_not_as_proven")
            proven_anew = lane.release_order(round_.kept, lane.proof_of(round_.kept))
            round_.token = lane.sign(proven_anew)
        assert not somebody.written or somebody.old_name() is not None
        round_.again_to_the_end()
        assert lane.data() == round_.precious[0]
        return
    order = lane.undo_order(round_.permit)
    lane.done("undo", lane.sign(order))
    assert lane.data() == round_.old
    assert lane.takes_connections()
    lane.stamp(lane.stamp_order(lane.show(), permit=round_.permit, generation=order.generation))


@each_kind
@pytest.mark.slow
def test_somebody_interferes_at_some_steps(production: Estate, kind: type[Round]) -> None:
    # Half of the actions with each command, at other steps; the full run takes all with all.
    for number, action in enumerate(ACTIONS):
        if number % 2 == ROUNDS.index(kind) % 2:
            interfere(production, kind, action, 18 + 7 * number)


@each_kind
@each_action
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_somebody_interferes_at_every_step(
    production: Estate, kind: type[Round], action: Action
) -> None:
    number = 0
    while interfere(production, kind, action, number):
        number += 1
    assert number > SURELY_AS_MANY
