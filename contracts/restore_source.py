"""The restore-source contract: what a materialiser may bring, and what it was about to bring."""

from collections.abc import Iterator

from .contract import (
    Contract,
    DatabaseNameField,
    FilestorePathField,
    PermitIdField,
    VersionedContract,
)
from .decision import Obligations
from .evidence import BackupGate, KeptData
from .lane import Lane
from .marker import Generation
from .orders import Permit
from .policy import UpstreamSource
from .reasons import Reason, ReasonCode, reason
from .vocabulary import DataSource, Operation


class OfferedUpstream(Contract):
    """The upstream that a materialiser would read, as its environment names it; empty is unset."""

    host: str = ""
    """Host name of its server."""
    database: str = ""
    """Database name on that server."""
    filestore_path: str = ""
    """Folder of its filestore on that server, or the folder above it."""


class RestoreSource(VersionedContract):
    """The answer: exactly one source, and what must be true afterwards. Nothing else may come."""

    permit_id: PermitIdField
    """The permit that has begun."""
    lane: Lane
    """The lane."""
    database: DatabaseNameField
    """The name under which the data must come to stand."""
    filestore_path: FilestorePathField
    """The folder in which its files must come to stand."""
    operation: Operation
    """What was asked for."""
    data_source: DataSource
    """Where the data comes from. With `existing` and `kept` it is there already."""
    upstream: UpstreamSource | None = None
    """With `upstream_restore`: the one source that may be read."""
    backup: BackupGate | None = None
    """With `backup_restore`: the one backup that may be restored."""
    kept: KeptData | None = None
    """With `kept`: the kept data that `begin` has put back."""
    generation: Generation
    """The generation that the lane will have."""
    obligations: Obligations
    """What must be true when it is over."""


def permitted_source(permit: Permit) -> RestoreSource:
    """What a permit names."""
    source, incoming = permit.request.data_source, permit.observation.incoming
    return RestoreSource(
        permit_id=permit.permit_id,
        lane=permit.lane,
        database=permit.database,
        filestore_path=permit.filestore_path,
        operation=permit.request.operation,
        data_source=source,
        upstream=(permit.policy.upstream_source if source is DataSource.UPSTREAM_RESTORE else None),
        backup=incoming.backup if source is DataSource.BACKUP_RESTORE else None,
        kept=incoming.kept if source is DataSource.KEPT else None,
        generation=permit.generation,
        obligations=permit.obligations,
    )


def source_differs(permitted: RestoreSource, offered: OfferedUpstream) -> Iterator[Reason]:
    """Whether the upstream that is about to be read is another than the permitted one.

    Sources that are not read over the network have nothing to compare.
    """
    if permitted.upstream is not None:
        yield from upstream_differs(permitted.upstream, offered)


def upstream_differs(upstream: UpstreamSource, offered: OfferedUpstream) -> Iterator[Reason]:
    """Whether what is about to be read is another source than this one."""
    facts = (
        ("host", _host(upstream.host), _host(offered.host)),
        ("database", upstream.database, offered.database),
        (
            "files",
            _folder(upstream.filestore_path, upstream.database),
            _folder(offered.filestore_path, offered.database),
        ),
    )
    for name, wanted, found in facts:
        if wanted != found:
            yield reason(
                ReasonCode.SOURCE_DIFFERS,
                f"The permit allows the upstream source {upstream.name} with the {name} {wanted}; "
                f"what is about to be read has {found or 'none'}.",
                "Correct the lane's ODOO_UPSTREAM_ variables, or propose a policy with the other "
                "source and plan again.",
                fact=name,
                permitted=wanted,
                offered=found or None,
            )


def source_is_target(
    permitted: RestoreSource, offered: OfferedUpstream, target_host: str
) -> Iterator[Reason]:
    """Whether the upstream is the very database that is to be replaced."""
    if permitted.upstream is not None and (_host(offered.host), offered.database) == (
        _host(target_host),
        permitted.database,
    ):
        yield reason(
            ReasonCode.SOURCE_IS_THE_LANE_ITSELF,
            f"The upstream source is database {permitted.database} on {target_host}, which is the "
            "lane's own.",
            "Correct the lane's ODOO_UPSTREAM_ variables and its recorded upstream source; to "
            "have the lane's own data again, restore a backup or kept data.",
            database=permitted.database,
            host=target_host,
        )


def _host(name: str) -> str:
    """Host names know neither case nor the dot that may end them."""
    return name.strip().casefold().removesuffix(".")


def _folder(path: str, database: str) -> str:
    """The folder of the database itself, which may be named by the folder above it."""
    trimmed = path.rstrip("/")
    if not trimmed or trimmed.endswith(f"/{database}"):
        return trimmed
    return f"{trimmed}/{database}"
