"""`import`: what others captured becomes a backup here, which proves nothing until it is proven.

The dump is restored once into a scratch database: only so is it known whose data it is, what it
holds and which files it names. Whose it is, the signed marker in it says.
"""

import shutil
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.backup import (
    DATABASE_FOLDER,
    BackupManifest,
    BackupSource,
    BackupVersions,
    DatabaseDump,
    DumpFormat,
)
from launchplane_lane_contracts.errors import BadInput, CouldNotTell, Refused
from launchplane_lane_contracts.inside import read_inside
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.marker import Marker, MarkerRow
from launchplane_lane_contracts.orders import LowerOrder, StampOrder
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from . import __version__
from .backups_folder import (
    backups_of,
    keep_under_its_name,
    partial_folder,
    require_other_volume,
)
from .capture import Captured, dump_files, lacking_files, private_files
from .captured_files import copy_named
from .client_programs import fitting
from .database import MAINTENANCE_DATABASE, connected, query_through
from .fingerprint import DEFAULT_WORKERS, read_with
from .odoo_versions import installed_addons, odoo_version
from .prove import restore_dump
from .scratch import Scratch, scratch_database
from .settings import GuardSettings
from .snapshot import one_moment
from .tokens import PublicKeys
from .unpacking import take_dump, take_files

INCOMING = "incoming"


def import_backup(
    settings: GuardSettings,
    dump: Path,
    files: Path | None,
    taken_at: datetime,
    *,
    workers: int = DEFAULT_WORKERS,
    accept_lacking: bool = False,
) -> Captured:
    """Make a backup of a dump and an archive of files; `taken_at` is the moment that they hold.

    Raises Refused unless the marker in it was signed for this lane, BadInput for what is no dump or
    archive, CouldNotTell, psycopg2.Error, OSError; then no backup was made.
    """
    if settings.lane is None:
        raise CouldNotTell(f"The lane of this environment is unknown: {settings.identity_problem}.")
    if taken_at > datetime.now(UTC):
        raise BadInput("A backup can't hold a moment that is still to come.")
    began = time.monotonic()
    backups = backups_of(settings)
    require_other_volume(settings, backups)
    with private_files(), partial_folder(backups) as folder:
        (folder / DATABASE_FOLDER).mkdir()
        form = take_dump(dump, folder / DATABASE_FOLDER)
        (folder / INCOMING).mkdir()
        if files is not None:
            take_files(files, folder / INCOMING)
        with scratch_database(settings) as scratch:
            manifest = _manifest(
                settings, settings.lane, folder, form, scratch, taken_at, workers, accept_lacking
            )
        shutil.rmtree(folder / INCOMING)
        backup = keep_under_its_name(folder, manifest)
    return Captured(backup, timedelta(seconds=round(time.monotonic() - began, 3)))


def _manifest(
    settings: GuardSettings,
    lane: Lane,
    folder: Path,
    form: DumpFormat,
    scratch: Scratch,
    taken_at: datetime,
    workers: int,
    accept_lacking: bool,
) -> BackupManifest:
    with connected(settings, MAINTENANCE_DATABASE) as server:
        program = fitting("pg_restore", server.server_version)
    problem = restore_dump(
        settings, folder / DATABASE_FOLDER, form, program, scratch, workers, lasting=False
    )
    if problem:
        raise BadInput(f"The dump can't be restored: {problem}. No backup was made.")

    def connect() -> AbstractContextManager[Connection]:
        return connected(settings, scratch.name)

    fingerprint = read_with(connect, workers=workers, oid=scratch.oid)
    with connected(settings, scratch.name) as session, one_moment([session], None):
        query = query_through(session)
        row = read_inside(query).marker_row
        marker = _signed_marker(settings, lane, row)
        addons = installed_addons(query)
        copied = copy_named(query, [folder / INCOMING], folder, None)
    if copied.content.lacking and not accept_lacking:
        raise lacking_files(copied, set(copied.content.lacking))
    return BackupManifest(
        lane=lane,
        source=BackupSource.IMPORTED,
        marker=row,
        generation=marker.generation,
        system_identifier=marker.identity.system_identifier,
        database_oid=marker.identity.database_oid,
        filestore_path=marker.filestore_path,
        captured_at=taken_at,
        snapshot=None,
        versions=BackupVersions(
            server=fingerprint.server_version,
            dump_program=program.version,
            odoo=odoo_version(addons),
            addons=addons,
        ),
        dump=DatabaseDump(
            format=form,
            files=dump_files(folder / DATABASE_FOLDER),
            database=marker.identity.database_name,
            database_size_bytes=None,
        ),
        fingerprint=fingerprint,
        filestore=copied.content,
        guard_version=__version__,
    )


def _signed_marker(settings: GuardSettings, lane: Lane, row: MarkerRow | None) -> Marker:
    """Whose data it is, as it was signed. Raises Refused unless that is this lane's."""
    if row is None:
        raise Refused.because(
            _no_marker(ReasonCode.MARKER_ABSENT, "there is no marker in it, so it may be anybody's")
        )
    if row.lane != str(lane):
        raise Refused.because(_no_marker(ReasonCode.BACKUP_OTHER_LANE, f"it is of lane {row.lane}"))
    order = PublicKeys.from_file(settings.public_keys).judge_marker_token(row.token).order
    if not isinstance(order, StampOrder | LowerOrder):
        raise Refused.because(
            _no_marker(
                ReasonCode.MARKER_UNVERIFIABLE,
                "no key verifies its marker, or its rebuild was never settled",
            )
        )
    marker = order.marker
    if marker.lane != lane or not row.says_the_same_as(marker.row(row.token)):
        raise Refused.because(
            _no_marker(ReasonCode.MARKER_TAMPERED, "its marker was changed after it was signed")
        )
    return marker


def _no_marker(code: ReasonCode, detail: str) -> Reason:
    return reason(
        code,
        f"What is to be imported is not known as this lane's data: {detail}. No backup was made.",
        "Import a backup that was taken since the lane was enrolled, and give the guard the public "
        "keys of that time. Data of before can be restored by hand and adopted.",
        detail=detail,
    )
