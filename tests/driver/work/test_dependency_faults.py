"""Everything that the driver depends on, in every way that it may fail: always no, and what to do.

One table. A pair that cannot be says why; a pair that is missing fails the test.
"""

import json
import re
import secrets
import shutil
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pluggy
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.reading import RuntimeReading
from launchplane_lane_contracts.reasons import Reason
from launchplane_lane_driver import hookspecs, planning, plugin
from launchplane_lane_driver.host import DRIVER, DriverHost
from launchplane_lane_driver.host_directory import DATABASE_VARIABLE
from launchplane_lane_driver.keys import create_signing_key
from launchplane_lane_driver.lane_office import LaneOffice
from launchplane_lane_driver.policy_changes import apply_policy, propose_policy
from launchplane_lane_driver.store import engine
from tests.driver.runtime_standin import send
from tests.driver.small_host import RITA, SmallHost, SmallLane, resettable_policy, untouched
from tests.real.postgres import free_port

FAULTS = ("timeout", "exception", "empty", "garbage", "wrong type", "stale", "truncated")
VARIABLE = "TEST_OWN_PASSWORD"


@dataclass
class Scene:
    """One host with one lane, which is put back after each fault."""

    host: SmallHost
    lane: SmallLane
    patch: pytest.MonkeyPatch
    old_answer: Path
    """What the guard answered before the lane was enrolled."""
    old_store: Path
    """The store as it was then."""
    old_approvers: str
    """The approvers file as it was before it was last changed."""
    loosening: str
    """A change of policy that everybody signed and nobody has applied."""
    more: ExitStack
    """What is open during one fault."""
    plugins: dict[str, object] = field(default_factory=lambda: {DRIVER: plugin})
    """The drivers that are registered."""

    def guard(self, script: str) -> None:
        """Another guard."""
        self.lane.guard_becomes(script)

    def own_connection(self, port: int | None = None) -> None:
        """A connection of the host's own, to this port or to the lane's server."""
        cluster = self.lane.cluster
        self.patch.setenv(VARIABLE, cluster.odoo.password)
        self.host.configure(
            connection=json.dumps(
                f"postgresql://{cluster.odoo.name}@127.0.0.1:{port or cluster.port}"
            ),
            connection_timeout="0.5",
            password_variable=json.dumps(VARIABLE),
        )

    def listen(self, answer: Callable[[socket.socket], object]) -> None:
        """A server that is no PostgreSQL, and a connection to it."""
        self.own_connection(self.more.enter_context(listening(answer)))

    def runtime(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        """Another answer of the running Odoo."""
        self.lane.runtime.raw = answer

    @property
    def key_file(self) -> Path:
        """The signing key."""
        (found,) = self.host.host.keys.glob("signing-*.pem")
        return found


@contextmanager
def listening(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """Something that listens on a port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    opened, _address = server.accept()
                except OSError:
                    return
                answer(opened)

        Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def halved(file: Path) -> None:
    """Leave the first half of a file."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def another_schema(file: Path) -> None:
    """A database of another program."""
    file.unlink()
    for side in ("-wal", "-shm"):
        file.with_name(file.name + side).unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE lanes (colour text)")
        database.execute("CREATE TABLE alembic_version (version_num text)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
        database.commit()


def locked_store(scene: Scene) -> None:
    """Somebody else writes for too long."""
    scene.patch.setattr(engine, "PATIENCE_SECONDS", 0.3)
    held = scene.more.enter_context(closing(sqlite3.connect(scene.host.host.store_file)))
    held.execute("BEGIN EXCLUSIVE")


def replaced_store(scene: Scene, content: bytes) -> None:
    """Another file at the store's place."""
    file = scene.host.host.store_file
    for side in ("-wal", "-shm"):
        file.with_name(file.name + side).unlink(missing_ok=True)
    file.write_bytes(content)


def key_of_another_kind(scene: Scene) -> None:
    """A key that is none of Ed25519."""
    scene.key_file.write_bytes(
        generate_private_key(SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
    )


def key_that_was_replaced(scene: Scene) -> None:
    """A key that the lane has never heard of: its copy of the public keys is older."""
    copy = scene.host.folder / "older.jwks.json"
    shutil.copy2(scene.host.host.public_keys_file, copy)
    scene.lane.public_keys = copy
    scene.key_file.unlink()
    create_signing_key(scene.host.host)
    scene.lane.put_guard_back()


def folder_in_place(file: Path) -> None:
    """A folder where a file should be."""
    file.unlink()
    file.mkdir()


def head(scene: Scene, text: str) -> None:
    """Another head beside the key."""
    scene.host.host.head_file.write_text(text)


def slow(handler: BaseHTTPRequestHandler) -> None:
    """An answer that nobody waits for."""
    time.sleep(2)
    handler.close_connection = True


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Half of an answer."""
    send(handler, b'{"schema_version":1,"runtime_identity":{"lane":')


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """No answer at all."""
    handler.connection.close()


def before_a_move(reading: RuntimeReading) -> RuntimeReading:
    """What the runtime saw before its database was replaced."""
    assert reading.identity is not None
    older = reading.identity.model_copy(update={"marker_table_oid": 4711})
    return reading.model_copy(update={"identity": older})


def earlier(opened: socket.socket, words: bytes) -> None:
    """Say something and hang up."""
    opened.recv(1000)
    opened.sendall(words)
    opened.close()


WAY_ON = re.compile(
    r"\b(Put|Make|Correct|Start|Restart|Find out|Install|Use|See|Look|Ask again|Try again)\b"
)
"""The words that a way on begins with."""
HELD: list[socket.socket] = []
Break = Callable[[Scene], object]
CANNOT_BE = str


def in_turn(*breaks: Break) -> Break:
    """One after the other."""

    def all_of_them(scene: Scene) -> None:
        for each in breaks:
            each(scene)

    return all_of_them


TABLE: dict[str, dict[str, Break | CANNOT_BE]] = {
    "store": {
        "timeout": locked_store,
        "exception": lambda scene: scene.patch.setenv(DATABASE_VARIABLE, "sqlite:////no/store"),
        "empty": lambda scene: replaced_store(scene, b""),
        "garbage": lambda scene: replaced_store(scene, secrets.token_bytes(5000)),
        "wrong type": lambda scene: another_schema(scene.host.host.store_file),
        "stale": lambda scene: replaced_store(scene, scene.old_store.read_bytes()),
        "truncated": lambda scene: halved(scene.host.host.store_file),
    },
    "guard command": {
        "timeout": in_turn(
            lambda scene: scene.host.configure(guard_timeout="0.5"),
            lambda scene: scene.guard("sleep 3"),
        ),
        "exception": lambda scene: scene.lane.guard.unlink(),
        "empty": lambda scene: scene.guard("exit 0"),
        "garbage": lambda scene: scene.guard("head -c 5000 /dev/urandom"),
        "wrong type": lambda scene: scene.guard('exec "$GUARD" attest'),
        "stale": lambda scene: scene.guard(f"cat '{scene.old_answer}'"),
        "truncated": lambda scene: scene.guard('"$GUARD" "$@" | head -c 400'),
    },
    "database witness": {
        "timeout": lambda scene: scene.listen(HELD.append),
        "exception": lambda scene: scene.own_connection(free_port()),
        "empty": lambda scene: scene.listen(lambda opened: opened.close()),
        "garbage": lambda scene: scene.listen(
            lambda opened: earlier(opened, b"HTTP/1.1 400 Bad Request\r\n\r\n")
        ),
        "wrong type": in_turn(
            lambda scene: scene.own_connection(),
            lambda scene: scene.patch.setenv(VARIABLE, "no password of it"),
        ),
        "stale": in_turn(
            lambda scene: scene.own_connection(),
            lambda scene: scene.guard(f"cat '{scene.old_answer}'"),
        ),
        "truncated": lambda scene: scene.listen(lambda opened: earlier(opened, b"R\0\0\0\x08\0")),
    },
    "runtime witness": {
        "timeout": in_turn(
            lambda scene: scene.host.configure(runtime_timeout="0.3"),
            lambda scene: scene.runtime(slow),
        ),
        "exception": lambda scene: scene.lane.runtime.stop(),
        "empty": lambda scene: scene.runtime(lambda handler: send(handler, b"")),
        "garbage": lambda scene: scene.runtime(
            lambda handler: send(handler, secrets.token_bytes(5000))
        ),
        "wrong type": lambda scene: scene.runtime(lambda handler: send(handler, b"[1, 2]")),
        "stale": lambda scene: setattr(scene.lane.runtime, "lie", before_a_move),
        "truncated": lambda scene: scene.runtime(cut),
    },
    "clock": {
        "timeout": "a clock answers at once",
        "exception": "a clock always answers",
        "empty": "a clock always answers",
        "garbage": lambda scene: scene.guard(
            """exec "$GUARD" "$@" | sed 's/"now":"20/"now":"19/'"""
        ),
        "wrong type": lambda scene: scene.guard(
            """exec "$GUARD" "$@" | sed 's/"now":"[^"]*"/"now":"yesterday"/'"""
        ),
        "stale": lambda scene: scene.guard(
            """exec "$GUARD" "$@" | sed 's/"now":"20../"now":"2020/'"""
        ),
        "truncated": "an instant has no parts that could be missing: what has none is no instant",
    },
    "key file": {
        "timeout": "it is a file of this host",
        "exception": lambda scene: scene.key_file.unlink(),
        "empty": lambda scene: scene.key_file.write_bytes(b""),
        "garbage": lambda scene: scene.key_file.write_bytes(secrets.token_bytes(100)),
        "wrong type": key_of_another_kind,
        "stale": key_that_was_replaced,
        "truncated": lambda scene: halved(scene.key_file),
    },
    "ledger": {
        "timeout": "its head is a file of this host; the rest of it is the store",
        "exception": lambda scene: scene.host.host.head_file.unlink(),
        "empty": lambda scene: head(scene, ""),
        "garbage": lambda scene: scene.host.host.head_file.write_bytes(secrets.token_bytes(99)),
        "wrong type": lambda scene: head(scene, '{"sequence":"1","entry_digest":7}'),
        "stale": lambda scene: head(scene, '{"sequence":3,"entry_digest":"' + "a" * 64 + '"}'),
        "truncated": lambda scene: halved(scene.host.host.head_file),
    },
    "approvers file": {
        "timeout": "it is a file of this host",
        "exception": lambda scene: scene.host.host.approvers_file.unlink(),
        "empty": lambda scene: scene.host.host.approvers_file.write_bytes(b""),
        "garbage": lambda scene: scene.host.host.approvers_file.write_bytes(b"\xff\xfe\x00"),
        "wrong type": lambda scene: folder_in_place(scene.host.host.approvers_file),
        "stale": lambda scene: scene.host.host.approvers_file.write_text(scene.old_approvers),
        "truncated": lambda scene: halved(scene.host.host.approvers_file),
    },
    "plugin set": {
        "timeout": "a plugin is called in this process, and nothing is done until it has answered",
        "exception": lambda scene: another_driver(scene, raises),
        "empty": lambda scene: another_driver(scene, lambda **_given: None),
        "garbage": lambda scene: another_driver(scene, lambda **_given: object()),
        "wrong type": lambda scene: another_driver(scene, lambda **_given: "yes"),
        "stale": lambda scene: registered(scene, {"launchplane_review_a_rebuild": print}),
        "truncated": lambda scene: scene.patch.setattr(scene, "plugins", {}),
    },
}


def raises(**_given: object) -> None:
    """A driver that is broken."""
    raise ZeroDivisionError


def another_driver(scene: Scene, answer: Callable[..., object]) -> None:
    """One more driver that answers the question in its own way."""
    registered(scene, {"launchplane_review_rebuild": answer})


def registered(scene: Scene, hooks: dict[str, Callable[..., object]]) -> None:
    """Ours, and one more with these hooks."""

    class Another:
        pass

    for name, hook in hooks.items():

        def answering(
            host_directory: str, request: object, answer: Callable[..., object] = hook
        ) -> object:
            return answer(host_directory=host_directory, request=request)

        setattr(Another, name, staticmethod(hookspecs.hookimpl(answering)))
    scene.patch.setattr(scene, "plugins", {DRIVER: plugin, "another": Another()})


# -- the questions ----------------------------------------------------------------------------


def rebuild(scene: Scene) -> tuple[Reason, ...]:
    """A rebuild, planned and claimed; the reasons of a plan that is refused."""
    with closing(LaneOffice.open(scene.host.host)) as office:
        made = planning.plan(office, scene.host.request(scene.lane))
        if made.decision.allowed:
            planning.authorize(office, made.plan_digest)
        return made.decision.reasons


def loosen(scene: Scene) -> tuple[Reason, ...]:
    """A change that only counts with the signatures of approvers."""
    with closing(LaneOffice.open(scene.host.host)) as office:
        apply_policy(office, Digest(scene.loosening))
    return ()


def ask_drivers(scene: Scene) -> tuple[Reason, ...]:
    """The same rebuild through every driver that is registered."""
    manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    for name, each in scene.plugins.items():
        manager.register(each, name=name)
    request = scene.host.request(scene.lane)
    return DriverHost(manager).review(str(scene.host.directory), request).decision.reasons


SAYS = {"approvers file": "approvers_not_on_record", "ledger": "ledger", "plugin set": "driver"}
"""A word that tells which dependency it was, whatever its fault."""
QUESTIONS = {"approvers file": loosen, "plugin set": ask_drivers}


@pytest.fixture
def scene(host: SmallHost, bare: SmallLane, tmp_path: Path) -> Iterator[Scene]:
    """A lane that may be rebuilt, a signed change, and what was before both."""
    approvers = host.host.approvers_file
    old_approvers = approvers.read_text()
    approvers.write_text(old_approvers.rstrip("\n") + "\n# One word more.\n")
    shown = host.operate("approvers", "propose", "--reason", "a word more", "--json")
    assert host.operate("approvers", "apply", json.loads(shown.stdout)["digest"]).code == 0
    old_answer = tmp_path / "old-answer"
    bare.guard_becomes(f"""exec "$GUARD" "$@" | tee '{old_answer}'""")
    host.plan(bare)
    bare.put_guard_back()
    host.record_policy(resettable_policy(bare.lane))
    old_store = tmp_path / "old-store"
    with (
        closing(sqlite3.connect(host.host.store_file)) as source,
        closing(sqlite3.connect(old_store)) as target,
    ):
        source.backup(target)
    host.enrol(bare)
    proposed = propose_policy(
        host.office,
        resettable_policy(bare.lane, requires_runtime_identity=False),
        proposer=RITA,
        why="as agreed",
    )
    host.sign(proposed.digest, "rita", "ann", "ben")
    host.office.close()
    patch, more = pytest.MonkeyPatch(), ExitStack()
    yield Scene(host, bare, patch, old_answer, old_store, old_approvers, proposed.digest, more)
    host.office = LaneOffice.open(host.host)


@contextmanager
def put_back(scene: Scene, saved: Path) -> Iterator[None]:
    """Afterwards host, guard, runtime and environment are as they were."""
    keys = scene.lane.public_keys
    try:
        yield
    finally:
        scene.more.pop_all().close()
        scene.patch.undo()
        shutil.rmtree(scene.host.directory)
        shutil.copytree(saved, scene.host.directory)
        scene.lane.public_keys = keys
        scene.lane.put_guard_back()
        scene.lane.runtime.lie = scene.lane.runtime.raw = None
        scene.lane.runtime.start()


def refused(scene: Scene, dependency: str) -> str:
    """What was said when it was refused; nothing where it was allowed."""
    try:
        reasons = QUESTIONS.get(dependency, rebuild)(scene)
    except LaneAuthorityError as problem:
        assert all(each.message and each.remedy for each in problem.reasons)
        return " ".join((problem.message, *(each.remedy for each in problem.reasons)))
    assert all(each.message and each.remedy for each in reasons)
    return " ".join(each.remedy for each in reasons)


def test_every_pair_is_in_the_table() -> None:
    assert all(tuple(row) == FAULTS for row in TABLE.values())


def test_every_dependency_that_fails_in_any_way_refuses(scene: Scene, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    shutil.copytree(scene.host.directory, saved)
    before = scene.lane.everything()
    allowed, silent = [], []
    for dependency, row in TABLE.items():
        for fault, breaking in row.items():
            if isinstance(breaking, str):
                continue
            with put_back(scene, saved):
                breaking(scene)
                said = refused(scene, dependency)
            if dependency in SAYS:
                assert SAYS[dependency] in said, (fault, said)
            if not said:
                allowed.append((dependency, fault))
            elif not WAY_ON.search(said):
                silent.append((dependency, fault, said))
            assert scene.lane.everything() == before, (dependency, fault)
    assert allowed == []
    assert silent == []
    with untouched(scene.lane):
        # Without a fault each of the questions is answered with yes.
        assert ask_drivers(scene) == ()
        assert loosen(scene) == ()
        assert rebuild(scene) == ()
