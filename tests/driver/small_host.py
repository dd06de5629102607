"""A host and small lanes without Odoo: real PostgreSQL, real folders, the real guard and keys."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from launchplane_lane_contracts.contract import BackupId, DatabaseName, Digest, Person
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.evidence import BackupGate
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.observation import HostRecord
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.policy import (
    LiveTarget,
    Policy,
    PolicyRevision,
    UpstreamSource,
)
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.vocabulary import DataSource, Operation, RolloutState
from launchplane_lane_driver import guard_client, operations, planning
from launchplane_lane_driver.approvals import record_approval, sign
from launchplane_lane_driver.host_directory import DATABASE_VARIABLE, HostDirectory
from launchplane_lane_driver.keys import create_signing_key
from launchplane_lane_driver.lane_office import LaneOffice, utc_now
from launchplane_lane_driver.lives import Asked, Life, carry_out, look
from launchplane_lane_driver.lives.enrol import Enrol
from launchplane_lane_driver.people import begin_people
from launchplane_lane_driver.policy_changes import apply_policy, propose_policy
from launchplane_lane_driver.store.records import OperationRecord
from tests.declarations import declaration_text
from tests.driver.fork_server import Done, ForkServer, Run
from tests.driver.runtime_standin import RuntimeStandIn
from tests.guard import fingerprint
from tests.real.postgres import QUICKLY, PrivateCluster
from tests.system.people import Someone

if TYPE_CHECKING:
    from tests.driver.snapshots import Snapshots

RITA, ANN, BEN = Person("rita"), Person("ann"), Person("ben")
"""Rita asks; Ann and Ben approve."""
FILES = {"ab/abcdef": b"an invoice", "cd/cdef01": b"a photo\x00"}


def resettable_policy(lane: Lane, **changed: object) -> Policy:
    """A lane that may be rebuilt from nothing."""
    plain: dict[str, object] = {
        "lane": lane,
        "rollout_state": RolloutState.TESTING,
        "authoritative_data": False,
        "bootstrap_empty_allowed": True,
        "requires_backup_before_destroy": False,
        "requires_restore_proof": False,
        **changed,
    }
    return Policy.model_validate(plain)


def production_policy(lane: Lane) -> Policy:
    """A lane that may not."""
    return Policy(lane=lane, rollout_state=RolloutState.PRODUCTION)


class SmallLane:
    """One lane: database, files, keep, guard and runtime."""

    def __init__(
        self, lane: Lane, folder: Path, cluster: PrivateCluster, forks: ForkServer, keys: Path
    ) -> None:
        self.lane, self.folder, self.cluster, self.forks = lane, folder, cluster, forks
        self.public_keys = keys
        self.database = DatabaseName(lane.context)
        self.filestore = folder / "filestore" / self.database
        self.keep = folder / "keep"
        self.declaration = folder / "declaration.toml"
        """Where the image would have it; at first there is none."""
        self.deployment = "deployment-0001"
        self.guard = folder / "guard"
        """What the host is configured with; tests put other programs there."""
        self.real_guard = folder / "real-guard"
        self.keep.mkdir(parents=True)
        self.filestore.parent.mkdir()
        self.runtime = RuntimeStandIn(self.environment)
        self.put_guard_back()

    def environment(self) -> dict[str, str]:
        """What the lane's container has in its environment."""
        return {
            "PATH": "/usr/bin:/bin",
            "ODOO_DB_HOST": self.cluster.host,
            "ODOO_DB_PORT": str(self.cluster.port),
            "ODOO_DB_USER": self.cluster.odoo.name,
            "ODOO_DB_PASSWORD": self.cluster.odoo.password,
            "ODOO_DB_NAME": self.database,
            "ODOO_FILESTORE_PATH": str(self.filestore),
            "LANE_AUTHORITY_KEEP": str(self.keep),
            "LANE_AUTHORITY_PUBLIC_KEYS": str(self.public_keys),
            "LANE_AUTHORITY_TENANT_DECLARATION": str(self.declaration),
            "LAUNCHPLANE_RUNTIME_IDENTITY_JSON": json.dumps(
                {**self.lane.to_plain(), "deployment_record_id": self.deployment}
            ),
        }

    def put_guard_back(self, **changed: str) -> None:
        """The guard is the real one, in this lane's environment with these changes."""
        environment = {**self.environment(), **changed}
        write_program(self.real_guard, self.forks.guard_program(environment))
        shutil.copy2(self.real_guard, self.guard)

    def put_unruly_guard(self) -> None:
        """A guard whose rule book is planted off; for runs in which harm must be done."""
        text = self.forks.guard_program(self.environment(), "unruly guard")
        write_program(self.guard, text)

    def guard_becomes(self, script: str) -> None:
        """Another guard: a shell script in which `$GUARD` is the real one."""
        write_program(self.guard, f"#!/bin/sh\nGUARD='{self.real_guard}'\n{script}\n")

    def declare(self, source: UpstreamSource | None) -> None:
        """The tenant bakes a declaration of this source into the image."""
        self.declaration.write_text(declaration_text(self.lane, source))

    # -- data ----------------------------------------------------------------------

    def execute(self, statement: str, database: str = "postgres") -> None:
        """A statement of the lane's own role."""
        opened = self.cluster.connect(database, self.cluster.odoo, autocommit=True)
        try:
            with opened.cursor() as cursor:
                cursor.execute(statement)
        finally:
            opened.close()

    def make_data(self, whose: str = "old", name: str | None = None) -> None:
        """A database with rows, and the files that they name."""
        self.execute(f'CREATE DATABASE "{name or self.database}" {QUICKLY}')
        self.execute(
            "CREATE TABLE res_partner (id serial PRIMARY KEY, name text);"
            f"INSERT INTO res_partner (name) SELECT '{whose} ' || n FROM generate_series(1, 9) n;"
            "CREATE TABLE ir_attachment (id serial PRIMARY KEY, store_fname text);"
            "INSERT INTO ir_attachment (store_fname) VALUES ('ab/abcdef'), ('cd/cdef01'), (NULL);",
            name or self.database,
        )
        if name is None:
            for path, content in FILES.items():
                (self.filestore / path).parent.mkdir(parents=True, exist_ok=True)
                (self.filestore / path).write_bytes(whose.encode() + content)

    def materialise(self, whose: str = "new") -> None:
        """What the devkit does: drop by force, clean the files, make other data."""
        # As the superuser: who looked into it as one a moment ago may not have left it yet.
        self.cluster.execute(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')
        for path in (*self.filestore.iterdir(),) if self.filestore.exists() else ():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        self.make_data(whose)

    def data(self) -> fingerprint.Data:
        """The rows and files at the lane's place."""
        return fingerprint.data_of(self.cluster, self.database, self.filestore)

    def tag(self) -> str:
        """The comment on the database."""
        return fingerprint.databases(self.cluster)[self.database].comment or ""

    def kept_data(self, name: str) -> fingerprint.Data:
        """The rows and files that are kept under a name."""
        return fingerprint.data_of(self.cluster, name, self.keep / "filestores" / name)

    def everything(self) -> fingerprint.Everything:
        """Every database of the server, every file of the lane's volume but those of its image."""
        found = fingerprint.everything(self.cluster, self.folder)
        programs = {"guard", "real-guard", "declaration.toml"}
        files = {name: each for name, each in found.files.items() if name not in programs}
        return fingerprint.Everything(found.databases, found.rows, files)


class SmallHost:
    """The host directory, its people, and its lanes."""

    def __init__(
        self,
        cluster: PrivateCluster,
        forks: ForkServer,
        folder: Path,
        people: Mapping[str, Someone],
        approvers: str,
        *,
        store_url: str | None = None,
        thresholds: str = "",
        like: Path | None = None,
    ) -> None:
        """`like` is the directory of a new host, of which this one is made a copy."""
        self.store_url = store_url
        """Where the store is; None for a file in the host's own folder."""
        self.cluster, self.forks, self.folder, self.people = cluster, forks, folder, people
        self.directory = folder / "host"
        self.host = HostDirectory(self.directory)
        if like is None:
            HostDirectory.initialise(self.directory)
            create_signing_key(self.host)
            self.host.approvers_file.write_text(approvers)
        else:
            shutil.copytree(like, self.directory)
        if thresholds:
            self.host.thresholds_file.write_text(thresholds)
        self.lanes: dict[str, SmallLane] = {}
        self.snapshots: Snapshots | None = None
        """Where lanes that were made once are laid out from, if this host may use them."""
        with pytest.MonkeyPatch.context() as around:
            if store_url:
                around.setenv(DATABASE_VARIABLE, store_url)
            self.office = LaneOffice.open(self.host)
        begin_people(self.host, self.office.store, utc_now())

    def close(self) -> None:
        """Stop the runtimes."""
        self.office.close()
        for lane in self.lanes.values():
            lane.runtime.stop()

    def add_lane(self, context: str = "cm") -> SmallLane:
        """A lane that is configured and has data, and that nobody recorded or enrolled."""
        made = self.place_for_lane(context)
        made.make_data()
        self.take_up(made)
        return made

    def place_for_lane(self, context: str) -> SmallLane:
        """Its folders and its guard."""
        lane = Lane(product=f"odoo-tenant-{context}", context=context, instance="prod")
        keys = self.host.public_keys_file
        return SmallLane(lane, self.folder / context, self.cluster, self.forks, keys)

    def take_up(self, lane: SmallLane) -> None:
        """Start its runtime, and configure it."""
        lane.runtime.start()
        self.lanes[lane.lane.context] = lane
        self.configure()

    def enrolled(self, lane: SmallLane) -> SmallLane:
        """The same lane, recorded as one that may be rebuilt from nothing, and enrolled."""
        self.record_policy(resettable_policy(lane.lane))
        self.enrol(lane)
        return lane

    def add_production(self, context: str = "syo") -> SmallLane:
        """An enrolled production lane; locked."""
        made = self.add_lane(context)
        self.record_policy(production_policy(made.lane))
        self.enrol(made)
        return made

    def configure(self, **changed: str) -> None:
        """Write where the lanes are; `changed` are further lines of each table."""
        tables = []
        for lane in self.lanes.values():
            settings = {
                "lane": str(lane.lane),
                "database": lane.database,
                "filestore_path": str(lane.filestore),
                "guard_command": [str(lane.guard)],
                "guard_timeout": 30,
                "runtime_url": lane.runtime.address,
                "runtime_timeout": 5,
                **{name: json.loads(value) for name, value in changed.items()},
            }
            lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
            tables.append("\n".join(("[[lanes]]", *lines)))
        self.host.configuration_file.write_text("\n\n".join(tables) + "\n")

    # -- people --------------------------------------------------------------------

    def sign(self, digest: str, *people: str) -> None:
        """Each of them signs the digest with their SSH key."""
        for person in people:
            signature = sign(Digest(digest), self.people[person].key_file)
            recorded = self.office.store.people()
            assert recorded is not None
            record_approval(recorded, self.office.store, Digest(digest), signature, utc_now())

    def record_policy(self, policy: Policy, *, signed: bool = True) -> PolicyRevision:
        """Propose, sign, apply."""
        proposed = propose_policy(self.office, policy, proposer=RITA, why="as agreed")
        if signed and proposed.tally.required:
            self.sign(proposed.digest, RITA, ANN, BEN)
        return apply_policy(self.office, proposed.digest)

    def enrol(self, lane: SmallLane) -> HostRecord:
        """What stands there becomes the lane's recorded data."""
        self.live(Enrol(), lane)
        return self.office.store.host_record(lane.lane)

    def live(self, life: Life[Any], lane: SmallLane, asked: Asked | None = None) -> str:
        """Look, let it be signed by whom it needs, and do it."""
        found = look(self.office, life, asked or Asked(lane.lane, RITA, "as agreed"))
        if found.tally.requester_signs:
            self.sign(found.digest, RITA, *(ANN, BEN)[: found.tally.required])
        return carry_out(self.office, life, found.digest)

    # -- work ----------------------------------------------------------------------

    def request(
        self,
        lane: SmallLane,
        operation: Operation = Operation.BOOTSTRAP,
        source: DataSource = DataSource.EMPTY,
        **more: object,
    ) -> Request:
        """What Rita asks for."""
        kept = more.get("kept_database")
        target = more.get("provider_target")
        assert target is None or isinstance(target, LiveTarget)
        return Request(
            lane=lane.lane,
            operation=operation,
            data_source=source,
            requester=RITA,
            reason=str(more.get("reason", "")),
            kept_database=DatabaseName(str(kept)) if kept else None,
            backup_id=BackupId(str(more["backup_id"])) if more.get("backup_id") else None,
            attest_runtime=bool(more.get("attest_runtime")),
            provider_target=target,
        )

    def gate(self, lane: SmallLane, backup_id: str = "backup-0001") -> BackupGate:
        """The gate of a backup of the lane's recorded data, as it would be captured now."""
        record = self.office.store.host_record(lane.lane)
        assert record.identity is not None
        assert record.generation is not None
        assert record.filestore_path is not None
        return BackupGate(
            backup_id=BackupId(backup_id),
            lane=lane.lane,
            generation=record.generation,
            system_identifier=record.identity.system_identifier,
            database_oid=record.identity.database_oid,
            filestore_path=record.filestore_path,
            snapshot_at=utc_now(),
            manifest_digest=Digest("d" * 64),
        )

    def plan(self, lane: SmallLane, *words: object, **more: object) -> Plan:
        """The dry run."""
        return planning.plan(self.office, self.request(lane, *words, **more))  # type: ignore[arg-type]

    def authorize(self, lane: SmallLane, *words: object, **more: object) -> OperationRecord:
        """Plan, and claim the lane for the plan."""
        return planning.authorize(self.office, self.plan(lane, *words, **more).plan_digest)

    def begin(self, lane: SmallLane, *words: object, **more: object) -> OperationRecord:
        """Plan, authorize, start."""
        return operations.start(self.office, self.authorize(lane, *words, **more).operation_id)

    def rebuild(self, lane: SmallLane, whose: str = "new") -> OperationRecord:
        """One whole rebuild from nothing."""
        begun = self.begin(lane)
        lane.materialise(whose)
        return operations.finish(self.office, begun.operation_id, succeeded=True)

    def phase(self, operation: OperationRecord) -> str:
        """How far an operation has come."""
        return self.office.store.operation(operation.operation_id).phase.value

    # -- the command line ----------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """What an operator has in the environment."""
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.folder),
            "COLUMNS": "200",
            "LANE_AUTHORITY_HOST_DIRECTORY": str(self.directory),
            "LANE_AUTHORITY_PERSON": RITA,
            **({DATABASE_VARIABLE: self.store_url} if self.store_url else {}),
        }

    def command(self, *arguments: str, **environment: str) -> Run:
        """Start `lane-authority` as an operator would."""
        return self.forks.start("driver", arguments, {**self.environment(), **environment})

    def operate(self, *arguments: str, **environment: str) -> Done:
        """Run it to its end."""
        return self.command(*arguments, **environment).wait()

    def operated(self, seconds_ago: float, *arguments: str) -> Done:
        """Run it to its end as it was typed so many seconds ago."""
        words = (str(seconds_ago), *arguments)
        return self.forks.start("behind", words, self.environment()).wait()


def write_program(path: Path, text: str) -> None:
    """Put a program in a place in one step; one that runs there goes on."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    new.write_text(text)
    new.chmod(0o700)
    new.replace(path)


def lane_begin(host: SmallHost, lane: SmallLane, token: str) -> None:
    """What somebody does who has a permit in hand."""
    order = host.office.keys.verify_marker(token).order
    assert order is not None
    guard_client.carry_out(host.office.configuration(lane.lane), "begin", token, order.nonce)


@contextmanager
def refused(*codes: ReasonCode) -> Iterator[None]:
    """Expect a refusal for these reasons, each told with facts and a way on."""
    found: tuple[ReasonCode, ...] | None = None
    try:
        yield
    except Refused as refusal:
        found = tuple(each.code for each in refusal.reasons)
        assert all(each.message and each.remedy for each in refusal.reasons)
    assert found is not None, "it was not refused"
    assert set(codes) <= set(found), found


@contextmanager
def untouched(lane: SmallLane) -> Iterator[None]:
    """See that neither rows nor files nor databases nor tags are others afterwards."""
    before = lane.everything()
    yield
    assert lane.everything() == before
