"""`capture prove backups prune`: backups of the lane. Nothing in the lane itself changes."""

from argparse import ArgumentParser
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from launchplane_lane_contracts.backup_answers import BackupCaptured
from launchplane_lane_contracts.contract import BackupId, FilestorePath
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.orders import PruneOrder

from ..backup_import import import_backup
from ..backups_folder import damaged
from ..backups_kept import list_backups, prune
from ..capture import Captured, capture
from ..filestore_check import counted
from ..fingerprint import DEFAULT_WORKERS, MOST_WORKERS
from ..prove import prove
from ..settings import GuardSettings
from .command import Answer, Call, Command, TakesOrder

NAMED_AT_MOST = 5
"""How many differences stand in a message; the answer has more of them."""


def _capture(call: Call) -> Answer:
    chosen = call.arguments
    return _made(
        capture(
            _settings(call),
            chosen.database,
            workers=chosen.workers,
            accept_lacking=chosen.accept_lacking,
        )
    )


def _import(call: Call) -> Answer:
    chosen = call.arguments
    try:
        taken_at = datetime.fromisoformat(chosen.taken_at)
    except ValueError:
        taken_at = None
    if taken_at is None or taken_at.utcoffset() != timedelta(0):
        raise BadInput("--taken-at is an instant in UTC, such as 2027-01-31T00:00:00Z.")
    return _made(
        import_backup(
            _settings(call),
            chosen.dump,
            chosen.files,
            taken_at.astimezone(UTC),
            workers=chosen.workers,
            accept_lacking=chosen.accept_lacking,
        )
    )


def _made(captured: Captured) -> Answer:
    backup, manifest = captured.backup, captured.backup.manifest
    files = manifest.filestore
    answer = BackupCaptured(
        gate=manifest.gate(),
        source=manifest.source,
        folder=FilestorePath(str(backup.folder)),
        database_bytes=manifest.dump.size_bytes,
        filestore_bytes=files.size_bytes,
        files=files.count,
        rows=manifest.fingerprint.rows,
        lacking=counted(files.lacking),
        took=captured.took,
    )
    return Answer(
        result=answer.to_plain(),
        message=f"Backup {manifest.backup_id} holds {answer.rows} rows and {answer.files} files of "
        f"{manifest.dump.database}, of the moment {manifest.captured_at:%Y-%m-%d %H:%M:%S} UTC. It "
        "proves nothing until it is proven.",
    )


def _prove(call: Call) -> Answer:
    chosen = call.arguments
    found = prove(
        _settings(call),
        BackupId(chosen.backup),
        workers=chosen.workers,
        load_command=call.command_line,
    )
    failure, message = None, f"Backup {found.backup_id}: its data is proven."
    if found.data_proof is None:
        first = "; ".join(found.differences[:NAMED_AT_MOST])
        failure = Refused.because(
            damaged(found.backup_id, f"{found.differences_count} thing(s) differ: {first}")
        )
    elif found.load is not None and found.load_proof is None:
        message += f" Odoo did not load on it: {found.load.words}"
    elif found.load_proof is not None:
        message += " Odoo loads on it."
    return Answer(result=found.to_plain(), message=message, failure=failure)


def _backups(call: Call) -> Answer:
    found = list_backups(_settings(call))
    return Answer(
        result=found.to_plain(),
        message=f"{len(found.backups)} backup(s) of this lane in {found.folder}, {found.others} of "
        f"others, {len(found.damaged)} damaged; {found.free_bytes} bytes are free.",
        note="\n".join(found.damaged),
    )


def _prune(call: Call) -> Answer:
    order = call.order(PruneOrder)
    return Answer(prune(_settings(call), order))


def _settings(call: Call) -> GuardSettings:
    """The lane's environment, with the place for backups that was named, if one was."""
    named = call.arguments.backups
    return call.settings if named is None else replace(call.settings, backups=named)


def _place(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--backups",
        type=Path,
        metavar="FOLDER",
        help="where backups lie, on another volume than the files (else LANE_AUTHORITY_BACKUPS)",
    )


def _place_and_workers(parser: ArgumentParser) -> None:
    _place(parser)
    parser.add_argument(
        "--workers",
        type=int,
        default=DEFAULT_WORKERS,
        metavar="N",
        help=f"how many work at the same time, 1 to {MOST_WORKERS} (%(default)s)",
    )


def _lacking(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--accept-lacking",
        action="store_true",
        help="take it as it is that files are missing or damaged; the backup says which",
    )


def _import_arguments(parser: ArgumentParser) -> None:
    _place_and_workers(parser)
    _lacking(parser)
    parser.add_argument(
        "--dump", type=Path, required=True, metavar="PATH", help="pg_dump's directory or file"
    )
    parser.add_argument(
        "--files", type=Path, metavar="PATH", help="the attachments: a folder, tar or zip file"
    )
    parser.add_argument(
        "--taken-at", required=True, metavar="INSTANT", help="the moment that it holds (UTC)"
    )


def _capture_arguments(parser: ArgumentParser) -> None:
    _place_and_workers(parser)
    _lacking(parser)
    parser.add_argument(
        "--database",
        metavar="NAME",
        help="the lane's own database, or one that it keeps and that is open for reading",
    )


def _prove_arguments(parser: ArgumentParser) -> None:
    _place_and_workers(parser)
    parser.add_argument("backup", metavar="BACKUP", help="the id of the backup")


COMMANDS = (
    Command(
        "capture",
        "make a backup: database and files of one moment",
        _capture,
        add_arguments=_capture_arguments,
    ),
    Command(
        "prove",
        "restore a backup into a scratch database and compare; `-- COMMAND` loads Odoo on it",
        _prove,
        add_arguments=_prove_arguments,
        may_run_a_command=True,
    ),
    Command(
        "import",
        "make a backup of a dump and files that others took; it is not proven by that",
        _import,
        add_arguments=_import_arguments,
    ),
    Command("backups", "list the backups of this lane", _backups, add_arguments=_place),
    Command(
        "prune",
        "remove backups that nothing leans on",
        _prune,
        takes=TakesOrder("prune"),
        add_arguments=_place,
    ),
)
