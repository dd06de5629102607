"""One lane's parts: guard, server by every road, files, keep, shadow, lock, runtime, clocks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.judgement import (
    clock_problem,
    judge_database,
    judge_filestore,
    judge_keep,
    judge_runtime,
)
from launchplane_lane_contracts.policy import effective_policy
from launchplane_lane_contracts.reading import DatabaseReading, LaneReading, RuntimeWitness
from launchplane_lane_contracts.two_roads import differences
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    FilestoreState,
    KeepState,
    RuntimeState,
    ShadowState,
)

from . import __version__
from .database_witness import ask_database
from .doctor_host import HostParts
from .examination import Finding
from .guard_client import NO_GUARD, show
from .lane_configuration import LaneConfiguration
from .runtime_client import ask_runtime
from .store.overview import LaneOverview


@dataclass(frozen=True)
class LaneParts:
    """One lane, asked by every road."""

    configuration: LaneConfiguration
    overview: LaneOverview
    reading: LaneReading
    own: DatabaseReading | None
    runtime: RuntimeWitness | None
    """None where nothing could be asked for want of a signing key."""
    asked_at: datetime
    """When it was read, by this host's clock (UTC)."""

    @property
    def guard_is_silent(self) -> bool:
        """Whether the guard gave no reading at all."""
        return self.reading.guard_version == NO_GUARD

    @property
    def authoritative(self) -> bool:
        """Whether its data counts as the only true copy, as far as the host knows."""
        revision, row = self.overview.revision, self.reading.database.marker_row
        if revision is None:
            return False
        return effective_policy(
            revision.policy,
            self.asked_at,
            marker_authoritative=row is not None and row.authoritative,
            claimed=row is not None and row.claimed,
        ).authoritative


def ask_lane(configuration: LaneConfiguration, parts: HostParts) -> LaneParts:
    """Ask all of it at the same time. Never raises."""
    overview = parts.overview(configuration.lane)
    with ThreadPoolExecutor(max_workers=3) as pool:
        reading = pool.submit(show, configuration)
        own = pool.submit(ask_database, configuration)
        runtime = (
            pool.submit(
                ask_runtime,
                configuration,
                parts.key,
                expected_generation=overview.record.generation,
            )
            if parts.key is not None
            else None
        )
        return LaneParts(
            configuration,
            overview,
            reading.result(),
            own.result(),
            runtime.result() if runtime is not None else None,
            datetime.now(UTC),
        )


def examine_lane(lane: LaneParts) -> Iterator[Finding]:
    """Every part of it, whatever the others are like."""
    yield _policy(lane)
    yield from _guard(lane)
    yield from _own_connection(lane)
    if not lane.guard_is_silent:
        yield from _server(lane)
        yield from _database(lane)
        yield from _files(lane)
        yield from _keep(lane)
        yield from _shadow(lane)
    yield from _runtime(lane)


def _policy(lane: LaneParts) -> Finding:
    revision = lane.overview.revision
    if revision is None:
        return Finding.warning(
            "policy",
            "Nobody has recorded a policy, so nothing is allowed.",
            "Propose one: lane-authority policy propose.",
        )
    return Finding.good(
        "policy", f"Revision {revision.number}, {revision.policy.rollout_state.value}."
    )


def _guard(lane: LaneParts) -> Iterator[Finding]:
    reading, command = lane.reading, " ".join(lane.configuration.guard_command)
    if lane.guard_is_silent:
        yield Finding.unknown(
            "guard",
            f"`{command} show` gave no reading: {reading.identity_problem}",
            "Run that by hand, and put right what it says. Where the image has no guard, bring one "
            "along: lane-authority guard-bundle.",
        )
        return
    versions = f"guard {reading.guard_version}, rule book {reading.rulebook_version}"
    if reading.guard_version == __version__:
        yield Finding.good("guard", f"It answers: {versions}.")
    else:
        yield Finding.warning(
            "guard",
            f"It answers, of another version than this host ({__version__}, rule book "
            f"{RULEBOOK_VERSION}): {versions}.",
            "Give the lane's image the guard of this version when it is next built.",
        )
    told = reading.lane
    if told == lane.configuration.lane:
        yield Finding.good("identity", f"The guard's environment is that of lane {told}.")
    else:
        yield Finding.wrong(
            "identity",
            f"The guard's environment is that of lane {told or 'unknown'}"
            + (f": {reading.identity_problem}." if reading.identity_problem else "."),
            "Correct the lane's guard_command, or LAUNCHPLANE_RUNTIME_IDENTITY_JSON in its "
            "runtime.",
        )


def _own_connection(lane: LaneParts) -> Iterator[Finding]:
    own = lane.own
    if own is None:
        return
    remedy = "Correct `connection` and its password, and let that role connect; it needs to read."
    if own.server is None or own.problem is not None:
        yield Finding.unknown("connection", f"The host's own: {own.problem}.", remedy)
        return
    differing = "; ".join(differences(lane.reading.database, own)) if _both_answered(lane) else ""
    if differing:
        yield Finding.wrong(
            "connection",
            f"The host's own connection and the guard do not see the same data: {differing}.",
            "Find out which of the two is led to the lane's database, and correct the other.",
        )
        return
    yield Finding.good(
        "connection",
        f"PostgreSQL {version_words(own.server.version)} by the host's own connection, as role "
        f"{own.server.role}" + (", as the guard sees it." if _both_answered(lane) else "."),
    )


def _both_answered(lane: LaneParts) -> bool:
    return lane.reading.database.server is not None


def version_words(number: int) -> str:
    """`server_version_num` as people write it."""
    return f"{number // 10000}.{number % 10000}"


def _server(lane: LaneParts) -> Iterator[Finding]:
    database = lane.reading.database
    server = database.server
    if server is None:
        yield Finding.unknown(
            "server",
            f"PostgreSQL did not answer the guard: {database.problem}.",
            "Start it, or correct ODOO_DB_HOST, ODOO_DB_PORT, ODOO_DB_USER and ODOO_DB_PASSWORD in "
            "the lane's runtime.",
        )
        return
    yield Finding.good(
        "server",
        f"PostgreSQL {version_words(server.version)}, cluster {server.system_identifier}.",
    )
    problem = judge_database(database, lane.overview.record).rename_problem
    if problem:
        yield Finding.wrong(
            "role",
            f"The data could not be set aside: {problem}.",
            "Give the role CREATEDB and the ownership of its database; connect to the primary.",
        )
    elif server.role_is_superuser:
        yield Finding.warning(
            "role",
            f"Role {server.role} is superuser, whom no lock of ours stops.",
            "Give it CREATEDB and the ownership of its database, then run: "
            f"ALTER ROLE {server.role} NOSUPERUSER.",
        )
    else:
        yield Finding.good("role", f"{server.role} may set the database aside; no superuser.")
    for name, clock in (("PostgreSQL's", server.now), ("the guard's", lane.reading.read_at)):
        apart = clock_problem(lane.asked_at, clock)
        if apart:
            yield Finding.wrong(
                "clocks",
                f"This host and {name} clock: {apart}.",
                "Correct the one that is wrong (time synchronisation).",
            )
            return
    yield Finding.good("clocks", "This host, the guard and PostgreSQL agree.")


def _database(lane: LaneParts) -> Iterator[Finding]:
    reading = lane.reading.database
    if reading.name != lane.configuration.database:
        yield Finding.wrong(
            "database",
            f"The guard looks at database {reading.name}, the host is configured with "
            f"{lane.configuration.database}.",
            "Correct ODOO_DB_NAME in the lane's runtime, or `database` in lane-authority.toml.",
        )
        return
    judged = judge_database(reading, lane.overview.record)
    if judged.state in (
        DatabaseState.ABSENT,
        DatabaseState.UNINITIALISED,
        DatabaseState.INITIALISED,
    ):
        yield Finding.good("database", f"{judged.state.value.capitalize()}: {judged.detail}.")
    elif reading.server is not None:
        yield Finding.wrong(
            "database",
            f"{judged.state.value.capitalize()}: {judged.detail}.",
            f"See what a plan says: lane-authority lane {lane.configuration.lane}.",
        )
    if reading.entry is None:
        return
    if reading.entry.locked:
        yield Finding.good("lock", "PostgreSQL itself refuses to drop the database.")
    elif lane.authoritative and lane.overview.record.generation is not None:
        yield Finding.warning(
            "lock",
            "The data is authoritative and PostgreSQL would let it be dropped.",
            "It is locked by the next stamp, once Odoo says that it goes on serving it: load the "
            "addon server-wide (`server_wide_modules` in odoo.conf).",
        )
    else:
        yield Finding.good("lock", "Not locked, and the data may be replaced.")


def _files(lane: LaneParts) -> Iterator[Finding]:
    reading = lane.reading.filestore
    if reading.path != lane.configuration.filestore_path:
        yield Finding.wrong(
            "filestore",
            f"The guard looks at {reading.path}, the host is configured with "
            f"{lane.configuration.filestore_path}.",
            "Correct ODOO_FILESTORE_PATH in the lane's runtime, or `filestore_path` in "
            "lane-authority.toml.",
        )
        return
    witness = lane.runtime or RuntimeWitness()
    judged = judge_filestore(reading, lane.reading.database, lane.overview.record, witness)
    told = f"{judged.state.value.capitalize()}: {reading.path}"
    told += f" ({judged.detail})." if judged.detail else "."
    if judged.state in (FilestoreState.OURS, FilestoreState.ABSENT, FilestoreState.EMPTY):
        yield Finding.good("filestore", told)
    elif judged.state is FilestoreState.UNTAGGED and lane.overview.record.generation is None:
        yield Finding.warning(
            "filestore", told, "Enrol the lane, which tags its files: lane-authority enrol."
        )
    else:
        yield Finding.wrong(
            "filestore",
            told,
            f"See what a plan says: lane-authority lane {lane.configuration.lane}.",
        )


def _keep(lane: LaneParts) -> Iterator[Finding]:
    reading, expected = lane.reading.keep, lane.configuration.keep
    if expected is not None and reading.path != expected:
        yield Finding.wrong(
            "keep",
            f"The guard uses {reading.path or 'none'}, the host expects {expected}.",
            "Correct LANE_AUTHORITY_KEEP in the lane's runtime, or `keep` in lane-authority.toml.",
        )
        return
    judged = judge_keep(reading, lane.reading.filestore)
    if judged.state is KeepState.READY:
        yield Finding.good("keep", f"{reading.path}, on the filestore's volume.")
    elif judged.state is KeepState.OTHER_VOLUME:
        yield Finding.warning(
            "keep",
            f"The files would be copied instead of renamed: {judged.detail}.",
            "Put the keep and the filestore folder on one volume, below its mount point.",
        )
    else:
        yield Finding.wrong(
            "keep",
            f"{judged.state.value.replace('_', ' ').capitalize()}: {judged.detail}.",
            "Give the lane's runtime a persistent, writable folder outside the one that Odoo "
            "serves, on the same volume, and name it in LANE_AUTHORITY_KEEP.",
        )
        return
    yield from _room(lane)


def _room(lane: LaneParts) -> Iterator[Finding]:
    free, size = lane.reading.keep.free_bytes, lane.reading.database.size_bytes
    if free is None:
        return
    told = f"{megabytes(free)} free on the keep's volume"
    if size is not None and free < size:
        yield Finding.warning(
            "room",
            f"{told}, and the database has {megabytes(size)}.",
            "Make room, or release kept data that is due.",
        )
        return
    yield Finding.good("room", f"{told}.")


def megabytes(number: int) -> str:
    """Bytes as people read them."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"


def _shadow(lane: LaneParts) -> Iterator[Finding]:
    shadow = lane.reading.shadow
    protected = lane.authoritative and lane.overview.record.generation is not None
    if shadow is not None and shadow.state is ShadowState.PRESENT:
        yield Finding.good("shadow", f"{shadow.files} files, refreshed {shadow.refreshed_at}.")
    elif protected:
        why = f": {shadow.problem}" if shadow is not None and shadow.problem else ""
        yield Finding.warning(
            "shadow",
            f"The files have no shadow in the keep{why}.",
            "Run `lane-authority-guard filestore refresh` in the lane's runtime, and let it be run "
            "as files arrive.",
        )


def _runtime(lane: LaneParts) -> Iterator[Finding]:
    configuration, witness = lane.configuration, lane.runtime
    if configuration.runtime_url is None:
        yield Finding.warning(
            "runtime",
            "No runtime_url is configured, so only the guard can speak for the runtime.",
            "Say in lane-authority.toml where the running Odoo answers.",
        )
        return
    if witness is None:
        yield Finding.unknown(
            "runtime",
            "It was not asked, for want of a signing key.",
            "Put the signing key right first.",
        )
        return
    judged = judge_runtime(witness, lane.reading, configuration.lane)
    if judged.state is RuntimeState.SILENT:
        yield Finding.unknown(
            "runtime",
            f"It did not say which lane and database it is: {judged.detail}.",
            "Start the lane's Odoo with the addon on its path and the host's public keys.",
        )
        return
    if judged.state is not RuntimeState.AGREES:
        yield Finding.wrong(
            "runtime",
            f"{judged.state.value.replace('_', ' ').capitalize()}: {judged.detail}.",
            "Correct runtime_url or guard_command, or let the deployment under way finish.",
        )
        return
    version = witness.reading.addon_version if witness.reading else ""
    yield Finding.good("runtime", f"It agrees with the guard; addon {version}.")
    if not judged.stays_listed_when_locked:
        yield Finding.warning(
            "listing",
            "Odoo has not said that it goes on serving a locked database, so none is locked.",
            "Load the addon server-wide: name it in odoo.conf under `server_wide_modules`.",
        )
    if witness.reading is not None and witness.reading.quarantine_loaded is False:
        yield Finding.warning(
            "quarantine",
            "Odoo does not load the addon for every database, so on a copy of this data, or on "
            "another lane's, it would send mail and run scheduled actions.",
            "Load the addon server-wide: name it in odoo.conf under `server_wide_modules`.",
        )
