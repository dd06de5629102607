"""A small lane without Odoo: a database, files, a keep, and a host that signs orders for it.

The host here does what the real one does, with the same contracts: it judges the guard's own
`show`, decides, signs, and remembers what was settled.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from launchplane_lane_contracts.approval import Approval
from launchplane_lane_contracts.contract import (
    RULEBOOK_VERSION,
    BackupId,
    DatabaseName,
    Digest,
    FilestorePath,
    Nonce,
    PermitId,
    Person,
    SystemIdentifier,
)
from launchplane_lane_contracts.decision import Obligations
from launchplane_lane_contracts.evidence import (
    BackupGate,
    DataProof,
    IncomingData,
    KeptData,
    LoadProof,
    PresentEvidence,
)
from launchplane_lane_contracts.fingerprint import ContentFingerprint
from launchplane_lane_contracts.judgement import (
    judge_database,
    judge_filestore,
    judge_keep,
    judge_marker,
    judge_room_to_copy,
    judge_runtime,
    kept_is_unchanged,
)
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import Lineage, Marker
from launchplane_lane_contracts.naming import REMAINS, kept_name
from launchplane_lane_contracts.observation import HostRecord, Observation
from launchplane_lane_contracts.orders import (
    GivenUp,
    KeptReference,
    LowerOrder,
    NotAuthoritative,
    OpenOrder,
    Permit,
    PrepareOrder,
    ProvenByBackup,
    ReleaseOrder,
    SignedOrder,
    StampOrder,
    UndoOrder,
)
from launchplane_lane_contracts.plan import plan_target
from launchplane_lane_contracts.policy import Policy, UpstreamSource
from launchplane_lane_contracts.reading import LaneReading, RuntimeWitness
from launchplane_lane_contracts.receipt import Receipt
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.rulebook import decide
from launchplane_lane_contracts.vocabulary import DataSource, Operation, RolloutState
from launchplane_lane_guard.commands.registry import COMMANDS
from launchplane_lane_guard.filestore_digest import filestore_digest
from launchplane_lane_guard.tokens import PublicKeys
from tests.declarations import declaration_text
from tests.guard import child, fingerprint
from tests.guard.signing import ControlPlane
from tests.real.postgres import QUICKLY, PrivateCluster, Role

VALID_FOR = timedelta(minutes=15)
REQUESTER = Person("operator@example.com")
APPROVER = Person("approver@example.com")
BACKUP = BackupId("backup-to-restore")
DIGEST = Digest("0" * 64)
FILES = {"ab/abcdef": b"an invoice", "cd/cdef01": b"a photo\x00", "checklist/ab/abcdef": b""}


LANE = Lane(product="odoo-tenant-small", context="small", instance="testing")


@dataclass
class Estate:
    """One lane and its host. `make` gives it data; `enrol` gives that data a marker."""

    cluster: PrivateCluster
    folder: Path
    database: str
    role: Role
    protected: bool = False
    upstream: UpstreamSource | None = None
    """Where the lane may be restored from, if that is allowed at all."""
    lane: Lane = LANE
    host: ControlPlane = field(default_factory=ControlPlane)
    generations: int = 0

    def __post_init__(self) -> None:
        self.filestore = self.folder / "filestore" / self.database
        self.keep = self.folder / "keep"
        self.keys = self.folder / "public-keys.json"
        self.record = HostRecord(lane=self.lane)

    # -- the place -----------------------------------------------------------------

    def make(self) -> "Estate":
        """Make the folders, the key file, and the lane's data."""
        self.keep.mkdir(parents=True)
        self.filestore.parent.mkdir(parents=True, exist_ok=True)
        self.host.write_key_set(self.keys)
        self.make_data()
        return self

    def make_data(self, whose: str = "old") -> None:
        """Make a database and files, as a materialiser does."""
        self.create_database(self.database, whose)
        self.make_files(self.filestore, whose)

    def create_database(self, name: str, whose: str = "old") -> None:
        """Make a database with a few rows in it."""
        self.execute(f'CREATE DATABASE "{name}" {QUICKLY}')
        self.execute(
            f"CREATE TABLE res_partner (id serial PRIMARY KEY, name text);"
            f"INSERT INTO res_partner (name) SELECT '{whose} ' || n FROM generate_series(1, 50) n;"
            "CREATE TABLE ir_attachment (id serial PRIMARY KEY, name text, store_fname text);"
            "INSERT INTO ir_attachment (name, store_fname) VALUES "
            "('invoice', 'ab/abcdef'), ('photo', 'cd/cdef01'), ('web', NULL);"
            "CREATE SCHEMA extra; CREATE TABLE extra.notes AS SELECT 1 AS one;",
            name,
        )

    def make_files(self, folder: Path, whose: str = "old") -> None:
        """Make the files that those rows name."""
        for name, content in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (folder / "whose").write_text(whose)

    def materialise(self, whose: str = "new") -> None:
        """What the devkit does after a begin: drop what is there, and make other data."""
        self.drop_like_the_devkit()
        self.execute(f'CREATE DATABASE "{self.database}" {QUICKLY}')
        self.execute(f"CREATE TABLE res_partner AS SELECT '{whose}'::text AS name", self.database)
        self.filestore.mkdir(exist_ok=True)
        (self.filestore / "whose").write_text(whose)

    def drop_like_the_devkit(self) -> None:
        """`dropdb --if-exists --force`, as the lane's own role."""
        self.execute(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')

    def execute(self, statement: str, database: str = "postgres", user: Role | None = None) -> None:
        """Run a statement as the lane's role, outside a transaction."""
        opened = self.cluster.connect(database, user or self.role, autocommit=True)
        try:
            with opened.cursor() as cursor:
                cursor.execute(statement)
        finally:
            opened.close()

    def environment(self, **changed: str | None) -> dict[str, str]:
        """The variables of the lane's container."""
        found: dict[str, str | None] = {
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "ODOO_DB_HOST": self.cluster.host,
            "ODOO_DB_PORT": str(self.cluster.port),
            "ODOO_DB_USER": self.role.name,
            "ODOO_DB_PASSWORD": self.role.password,
            "ODOO_DB_NAME": self.database,
            "ODOO_FILESTORE_PATH": str(self.filestore.parent),
            "LANE_AUTHORITY_KEEP": str(self.keep),
            "LANE_AUTHORITY_PUBLIC_KEYS": str(self.keys),
            "LAUNCHPLANE_RUNTIME_IDENTITY_JSON": json.dumps(
                {**self.lane.to_plain(), "deployment_record_id": "deployment-1"}
            ),
            **self._declaration(),
            **changed,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _declaration(self) -> dict[str, str | None]:
        """The variable that an image has which declares the lane's upstream source."""
        if self.upstream is None:
            return {}
        file = self.folder.with_name(f"{self.folder.name}-declaration.toml")
        file.write_text(declaration_text(self.lane, self.upstream))
        return {"LANE_AUTHORITY_TENANT_DECLARATION": str(file)}

    # -- running the guard ---------------------------------------------------------

    def start(self, command: str, token: str | bytes = "", **changed: str | None) -> child.Running:
        """Start one command of the guard, which may have words after its name."""
        return self.start_with(self._arguments(command), token, **changed)

    def start_with(
        self, arguments: Sequence[str], token: str | bytes = "", **changed: str | None
    ) -> child.Running:
        """Start the guard with these arguments, and the token on its standard input."""
        given = token if isinstance(token, bytes) else token.encode()
        return child.start(arguments, given, self.environment(**changed))

    def start_watched(self, command: str, token: str, prepare: Callable[[], None]) -> child.Running:
        """Start one command in a process that calls `prepare` before anything else."""
        return child.start(self._arguments(command), token.encode(), self.environment(), prepare)

    def _arguments(self, command: str) -> list[str]:
        words = command.split()
        takes = COMMANDS[words[0]].takes
        return [*words, takes.option, "-"] if takes else words

    def run(self, command: str, token: str | bytes = "", **changed: str | None) -> child.Answer:
        """Run one command of the guard to its end."""
        answer = self.start(command, token, **changed).wait()
        assert "Traceback" not in answer.words, answer.words
        return answer

    def done(self, command: str, token: str = "") -> Receipt:
        """Run one command that must succeed."""
        answer = self.run(command, token)
        assert answer.exit_code == 0, answer.words
        assert answer.receipt is not None
        return answer.receipt

    def program(self, command: str, token: str = "") -> Receipt:
        """The same from a new interpreter, as users run it."""
        answer = child.run_program([command, "--order", "-"], token.encode(), self.environment())
        assert answer.exit_code == 0, answer.words
        assert answer.receipt is not None
        return answer.receipt

    def show(self) -> LaneReading:
        """What the guard sees."""
        reading = self.done("show").reading
        assert reading is not None
        return reading

    # -- what the host knows and signs ---------------------------------------------

    @property
    def policy(self) -> Policy:
        """What the host recorded of the lane."""
        if self.protected:
            return Policy(lane=self.lane, rollout_state=RolloutState.PRODUCTION)
        return Policy(
            lane=self.lane,
            rollout_state=RolloutState.TESTING,
            authoritative_data=False,
            bootstrap_empty_allowed=True,
            restore_from_upstream_allowed=self.upstream is not None,
            upstream_source=self.upstream,
            requires_backup_before_destroy=False,
            requires_restore_proof=False,
            requires_runtime_identity=False,
        )

    def observe(
        self, reading: LaneReading, request: Request, incoming: IncomingData
    ) -> Observation:
        """What the host makes of a reading."""
        verdict = None
        if reading.database.marker_row is not None:
            keys = PublicKeys.from_text(self.keys.read_text())
            verdict = keys.judge_marker_token(reading.database.marker_row.token)
        witness = RuntimeWitness(
            problem="it is down", attested_by=REQUESTER if request.attest_runtime else None
        )
        if incoming.kept is not None:
            unchanged = kept_is_unchanged(reading.database, reading.keep, incoming.kept)
            incoming = incoming.model_copy(update={"kept_is_unchanged": unchanged})
        now = datetime.now(UTC)
        return Observation(
            lane=self.lane,
            record=self.record,
            database=judge_database(reading.database, self.record),
            marker=judge_marker(reading.database, verdict, self.record),
            filestore=judge_filestore(reading.filestore, reading.database, self.record, witness),
            runtime=judge_runtime(witness, reading, self.lane),
            keep=judge_keep(reading.keep, reading.filestore),
            room=judge_room_to_copy(reading.keep, request.data_source),
            present=self._evidence(now),
            incoming=incoming,
            approvals=tuple(
                Approval(person=person, signed_digest=DIGEST, signed_at=now)
                for person in (REQUESTER, APPROVER)
            ),
            taken_at=now,
        )

    def _evidence(self, now: datetime) -> PresentEvidence:
        record = self.record
        if record.identity is None or record.generation is None:
            return PresentEvidence()
        gate = BackupGate(
            backup_id=BackupId("backup-of-what-is-there"),
            lane=self.lane,
            generation=record.generation,
            system_identifier=record.identity.system_identifier,
            database_oid=record.identity.database_oid,
            filestore_path=FilestorePath(str(self.filestore)),
            snapshot_at=now - timedelta(minutes=1),
            manifest_digest=DIGEST,
        )
        proof = DataProof(backup_id=gate.backup_id, manifest_digest=DIGEST, proven_at=now)
        return PresentEvidence(gate=gate, data_proof=proof)

    def request(self, source: DataSource, kept: KeptData | None = None) -> Request:
        """What is asked for: the operation that goes with the source."""
        operations = {
            DataSource.EMPTY: Operation.RECREATE,
            DataSource.EXISTING: Operation.RECREATE,
            DataSource.UPSTREAM_RESTORE: Operation.RECREATE,
            DataSource.BACKUP_RESTORE: Operation.RESTORE,
            DataSource.KEPT: Operation.RESTORE,
        }
        return Request(
            lane=self.lane,
            operation=operations[source],
            data_source=source,
            requester=REQUESTER,
            attest_runtime=True,
            backup_id=BACKUP if source is DataSource.BACKUP_RESTORE else None,
            kept_database=kept.name if kept is not None else None,
        )

    def permit(
        self,
        source: DataSource = DataSource.EMPTY,
        *,
        kept: KeptData | None = None,
        issued: timedelta = timedelta(0),
    ) -> Permit:
        """A permit for what stands there now. `issued` moves the time of its signing."""
        request = self.request(source, kept)
        observation = self.observe(self.show(), request, self.incoming(source, kept))
        now = datetime.now(UTC)
        decision = decide(self.policy, request, observation, now)
        assert decision.allowed, decision.reasons
        assert decision.obligations is not None
        permit_id = PermitId(secrets.token_hex(16))
        generation = self.record.generation
        if source is not DataSource.EXISTING or generation is None:
            generation = self.new_generation()
        return Permit(
            **self._head(now + issued),
            permit_id=permit_id,
            plan_digest=plan_target(
                request,
                self.policy,
                observation,
                decision,
                database=DatabaseName(self.database),
            ).digest(),
            request=request,
            policy=self.policy,
            policy_revision=1,
            generation=generation,
            obligations=decision.obligations,
            kept_name=kept_name(
                DatabaseName(self.database), generation, request.operation, permit_id
            ),
            observation=observation,
        )

    def incoming(self, source: DataSource, kept: KeptData | None) -> IncomingData:
        """What the host knows of the data that is to come."""
        if source is DataSource.UPSTREAM_RESTORE:
            return IncomingData(declared_upstream=self.upstream)
        if source is not DataSource.BACKUP_RESTORE:
            return IncomingData(kept=kept)
        now = datetime.now(UTC)
        backup = BackupGate(
            backup_id=BACKUP,
            lane=self.lane,
            generation=1,
            system_identifier=SystemIdentifier("1"),
            database_oid=1,
            filestore_path=FilestorePath(str(self.filestore)),
            snapshot_at=now - timedelta(days=1),
            manifest_digest=DIGEST,
        )
        proof = LoadProof(backup_id=backup.backup_id, manifest_digest=DIGEST, proven_at=now)
        return IncomingData(backup=backup, backup_load_proof=proof)

    def _head(self, issued_at: datetime) -> dict[str, Any]:
        return {
            "lane": self.lane,
            "nonce": Nonce(secrets.token_hex(16)),
            "database": DatabaseName(self.database),
            "filestore_path": FilestorePath(str(self.filestore)),
            "issued_at": issued_at,
            "begin_before": issued_at + VALID_FOR,
            "rulebook_version": RULEBOOK_VERSION,
        }

    def new_generation(self) -> int:
        """A number that is never handed out twice."""
        self.generations += 1
        return self.generations

    def prepare_order(self, oid: int) -> PrepareOrder:
        """Leave to make the marker's empty table."""
        return PrepareOrder(**self._head(datetime.now(UTC)), database_oid=oid)

    def undo_order(self, permit: Permit) -> UndoOrder:
        """Leave to put back what this permit set aside."""
        return UndoOrder(
            **self._head(datetime.now(UTC)),
            permit_id=permit.permit_id,
            remains_name=kept_name(
                DatabaseName(self.database), permit.generation, REMAINS, permit.permit_id
            ),
            generation=self.new_generation(),
        )

    def stamp_order(
        self,
        reading: LaneReading,
        *,
        permit: Permit | None = None,
        generation: int | None = None,
        obligations: Obligations | None = None,
        lock: bool | None = None,
    ) -> StampOrder:
        """A marker over what this reading saw."""
        identity = reading.database.identity()
        assert identity is not None
        authoritative = obligations.authoritative if obligations else self.protected
        now = datetime.now(UTC)
        marker = Marker(
            lane=self.lane,
            policy=self.policy,
            policy_revision=1,
            authoritative=authoritative,
            generation=generation or self.new_generation(),
            nonce=Nonce(secrets.token_hex(16)),
            identity=identity,
            filestore_path=FilestorePath(str(self.filestore)),
            lineage=Lineage(
                operation=permit.request.operation if permit else None,
                data_source=permit.request.data_source if permit else None,
                permit_id=permit.permit_id if permit else None,
            ),
            stamped_at=now,
        )
        return StampOrder(
            **self._head(now),
            permit_id=permit.permit_id if permit else None,
            marker=marker,
            lock=self.protected if lock is None else lock,
        )

    def reference(self, kept: KeptData) -> KeptReference:
        """Which kept data an order means."""
        return KeptReference(
            name=kept.name,
            database_oid=kept.database_oid,
            generation=kept.generation,
            permit_id=kept.permit_id,
        )

    def open_order(self, *kept: KeptData, issued: timedelta = timedelta(0)) -> OpenOrder:
        """Leave to open kept data for reading."""
        return OpenOrder(
            **self._head(datetime.now(UTC) + issued), kept=tuple(map(self.reference, kept))
        )

    def release_order(
        self, kept: KeptData, basis: ProvenByBackup | NotAuthoritative | GivenUp | None = None
    ) -> ReleaseOrder:
        """Leave to drop kept data, by default as data of no authority."""
        return ReleaseOrder(
            **self._head(datetime.now(UTC)),
            kept=self.reference(kept),
            has_filestore=kept.has_filestore,
            basis=basis or NotAuthoritative(),
        )

    def proof_of(self, kept: KeptData) -> ProvenByBackup:
        """The proof of a backup of the kept data as it is now."""
        self.done("open", self.sign(self.open_order(kept)))
        found = self.done(f"fingerprint --database={kept.name}").result
        assert found is not None
        self.done("open --close", self.sign(self.open_order(kept)))
        return ProvenByBackup(
            backup_id=BACKUP,
            manifest_digest=DIGEST,
            fingerprint_digest=ContentFingerprint.from_plain(found).digest(),
            filestore_digest=filestore_digest(self.keep / "filestores" / kept.name),
        )

    def lower_order(self, *, lock: bool = False) -> LowerOrder:
        """Leave to lower the marker that was last recorded."""
        reading = self.show()
        identity = reading.database.identity()
        assert identity is not None
        assert self.record.nonce is not None
        stamped = self.stamp_order(reading, generation=self.record.generation, lock=lock)
        return LowerOrder(
            **self._head(datetime.now(UTC)),
            lowers_nonce=self.record.nonce,
            lowers_digest=reading.database.marker_digest,
            marker=stamped.marker.model_copy(update={"authoritative": False}),
            lock=lock,
        )

    def sign(self, order: SignedOrder) -> str:
        """The order as a token."""
        return self.host.sign(order)

    # -- whole steps ---------------------------------------------------------------

    def enrol(self) -> "Estate":
        """Give the data that is there its first marker."""
        oid = fingerprint.databases(self.cluster)[self.database].oid
        reading = self.done("prepare", self.sign(self.prepare_order(oid))).reading
        assert reading is not None
        self.stamp(self.stamp_order(reading))
        return self

    def stamp(self, order: StampOrder) -> None:
        """Have a marker written, and record it."""
        self.done("stamp", self.sign(order))
        self.record = self.record.model_copy(
            update={
                "generation": order.marker.generation,
                "nonce": order.marker.nonce,
                "identity": order.marker.identity,
                "filestore_path": order.marker.filestore_path,
            }
        )

    def settle(self, permit: Permit) -> None:
        """`finish`, and the stamp that follows it."""
        reading = self.done("finish", self.sign(permit)).reading
        assert reading is not None
        self.stamp(
            self.stamp_order(
                reading,
                permit=permit,
                generation=permit.generation,
                obligations=permit.obligations,
                lock=permit.obligations.lock,
            )
        )

    def rebuild(
        self, whose: str = "new", source: DataSource = DataSource.EMPTY
    ) -> tuple[Permit, KeptData]:
        """One whole rebuild; what it set aside is on record afterwards."""
        permit = self.permit(source)
        before = self.record
        receipt = self.done("begin", self.sign(permit))
        self.materialise(whose)
        self.settle(permit)
        assert receipt.set_aside is not None
        assert receipt.set_aside.database_oid is not None
        kept = KeptData(
            lane=self.lane,
            name=receipt.set_aside.name,
            database_oid=receipt.set_aside.database_oid,
            generation=before.generation or permit.generation,
            nonce=before.nonce,
            permit_id=permit.permit_id,
            set_aside_at=datetime.now(UTC),
            authoritative=self.protected,
            has_filestore=receipt.set_aside.has_filestore,
        )
        self.record = self.record.model_copy(update={"kept": (*self.record.kept, kept)})
        return permit, kept

    # -- what is seen from outside -------------------------------------------------

    def data(self, name: str | None = None, folder: Path | None = None) -> fingerprint.Data:
        """The data under a name, by default the lane's own."""
        return fingerprint.data_of(self.cluster, name or self.database, folder or self.filestore)

    def kept_data(self, name: str) -> fingerprint.Data:
        """The data that is kept under a name."""
        return self.data(name, self.keep / "filestores" / name)

    def everything(self) -> fingerprint.Everything:
        """All of it, for comparing before and after a refusal."""
        return fingerprint.everything(self.cluster, self.folder)

    def takes_connections(self) -> bool:
        """Whether the lane's own role gets in and reads a row."""
        self.execute("SELECT 1", self.database)
        return True


def refused(answer: child.Answer, *codes: str, exit_codes: Sequence[int] = (50,)) -> None:
    """Say that the guard refused, for these reasons among others."""
    assert answer.exit_code in exit_codes, (answer.exit_code, answer.words)
    missing = set(codes) - answer.codes
    assert not missing, (missing, answer.words)
