"""`backup …`: capture the lanes' data, prove that it can be had back, and see what there is."""

from datetime import datetime, timedelta
from pathlib import Path

import click
from rich.markup import escape

from launchplane_lane_contracts.backup_answers import BackupCaptured, BackupProven
from launchplane_lane_contracts.contract import BackupId, DatabaseName, Digest
from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.lane import Lane

from ..backups.bring_in import Foreign, bring_in, read_record
from ..backups.capture import capture_kept, capture_live
from ..backups.listing import backups_on_record, in_words
from ..backups.prove import prove as prove_backup
from ..backups.prune import look as look_at_backups
from ..backups.prune import prune as prune_backups
from ..lane_office import utc_now
from ..lives import Asked
from ..lives.give_up_backup import GiveUpBackup
from ..lives.life import proposed_document
from .lives_commands import do_it, look_and_show
from .progress import waiting_for
from .shared import (
    INSTANT,
    LANE,
    answer,
    as_person,
    json_option,
    office_of,
    person_option,
    say,
)

LONGEST_ID = 128
GIVE_UP = GiveUpBackup()

workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 32),
    default=2,
    show_default=True,
    help="How many work at the same time in the lane.",
)


@click.group()
def backup() -> None:
    """Capture data, prove that it can be had back, see what there is."""


@backup.command()
@click.argument("lane", type=LANE)
@click.option("--kept", help="Capture this kept data instead of the lane's own.")
@click.option(
    "--accept-lacking", is_flag=True, help="Take it as it is that files are missing or damaged."
)
@workers_option
@json_option
@click.pass_context
def capture(
    context: click.Context,
    lane: Lane,
    kept: str | None,
    accept_lacking: bool,
    workers: int,
    as_json: bool,
) -> None:
    """Make a backup of LANE: database and files of one moment.

    It is recorded as a gate; nothing counts as proven before `backup prove`.
    """
    office = office_of(context)
    with waiting_for(f"Capturing {kept or lane}", quiet=as_json):
        if kept is not None:
            made = capture_kept(
                office, lane, DatabaseName(kept), workers=workers, accept_lacking=accept_lacking
            )
        else:
            made = capture_live(office, lane, workers=workers, accept_lacking=accept_lacking)
    if as_json:
        answer(made)
    else:
        say(escape(captured_words(made)))


def captured_words(made: BackupCaptured) -> str:
    """What was captured, in lines."""
    size = made.database_bytes + made.filestore_bytes
    lines = [
        f"Backup:     {made.gate.backup_id}",
        f"Of:         {made.gate.lane}, {made.source}, generation {made.gate.generation}, the "
        f"moment {made.gate.snapshot_at:%Y-%m-%d %H:%M:%S} UTC",
        f"Holds:      {made.rows:,} rows and {made.files:,} files in {size / 1e6:,.1f} MB, in "
        f"{made.folder}",
        f"Took:       {in_words(made.took)}",
    ]
    if made.lacking.count:
        lines.append(
            f"LACKS:      {made.lacking.count} files that were lost already, such as "
            f"{made.lacking.names[0]}"
        )
    lines.append(f"Then:       lane-authority backup prove {made.gate.backup_id}")
    return "\n".join(lines)


@backup.command()
@click.argument("backup_id", metavar="BACKUP")
@click.option("--no-load", is_flag=True, help="Compare the data, and do not load Odoo on it.")
@workers_option
@json_option
@click.pass_context
def prove(
    context: click.Context, backup_id: str, no_load: bool, workers: int, as_json: bool
) -> None:
    """Restore BACKUP into a scratch database and compare it.

    Then Odoo is loaded on it, where a load command is configured. The scratch is dropped.
    """
    if len(backup_id) > LONGEST_ID:
        raise BadInput("That is no backup's name.")
    office = office_of(context)
    with waiting_for(f"Proving {backup_id[:12]}", quiet=as_json):
        found = prove_backup(office, BackupId(backup_id), workers=workers, load=not no_load)
    if as_json:
        answer(found)
    else:
        say(escape(proven_words(found)))


def proven_words(found: BackupProven) -> str:
    """What was proven, in lines."""
    assert found.data_proof is not None
    took = found.data_proof.took
    lines = [
        f"Backup:     {found.backup_id}",
        f"Data:       proven at {found.data_proof.proven_at:%Y-%m-%d %H:%M} UTC: rows, sequences, "
        "large objects and files are what was captured",
    ]
    if took is not None:
        lines.append(
            f"Takes:      {in_words(took)} to have it back and compared, "
            f"{in_words(found.restore_took)} of it the bare restore"
        )
    if found.load is None:
        lines.append("Load:       not tried (no load command, or --no-load)")
    elif found.load.loaded:
        lines.append(f"Load:       Odoo loads on it, in {in_words(found.load.took)}")
    else:
        lines.append(f"Load:       NOT proven, Odoo did not load: {found.load.words}")
    return "\n".join(lines)


@backup.command("import")
@click.argument("lane", type=LANE)
@click.option(
    "--record",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Launchplane's backup gate record, which names dump, files and time.",
)
@click.option("--dump", help="The dump, as the guard sees it: pg_dump's custom or directory form.")
@click.option("--files", help="The attachments, as the guard sees them: a folder, tar or zip file.")
@click.option("--taken-at", type=INSTANT, help="The moment that it holds (UTC).")
@click.option(
    "--accept-lacking", is_flag=True, help="Take it as it is that files are missing or damaged."
)
@workers_option
@json_option
@click.pass_context
def import_(
    context: click.Context,
    lane: Lane,
    record: Path | None,
    dump: str | None,
    files: str | None,
    taken_at: datetime | None,
    accept_lacking: bool,
    workers: int,
    as_json: bool,
) -> None:
    """Make a backup of what others captured of LANE.

    Its marker has to be one that was signed for the lane. It proves nothing until it is proven.
    """
    if record is not None and dump is None and taken_at is None and files is None:
        foreign = read_record(record, lane)
    elif record is None and dump is not None and taken_at is not None:
        foreign = Foreign(dump=dump, files=files, taken_at=taken_at)
    else:
        raise BadInput("Name either --record, or --dump with --taken-at (and --files).")
    office = office_of(context)
    with waiting_for(f"Importing a backup of {lane}", quiet=as_json):
        made = bring_in(office, lane, foreign, workers=workers, accept_lacking=accept_lacking)
    if as_json:
        answer(made)
    else:
        say(escape(captured_words(made)))


@backup.command("list")
@click.argument("lane", type=LANE)
@json_option
@click.pass_context
def list_(context: click.Context, lane: Lane, as_json: bool) -> None:
    """List the backups of LANE that are on record, the newest first."""
    office, now = office_of(context), utc_now()
    office.configuration(lane)
    found = list(backups_on_record(office, lane))
    if as_json:
        answer([each.to_plain(now) for each in found])
        return
    for each in found:
        say(escape(each.words(now)))
    if not found:
        say(f"No backup of {lane} is on record. Make one: lane-authority backup capture {lane}")


@backup.command("give-up")
@click.argument("lane", type=LANE)
@click.argument("backup_id", metavar="BACKUP")
@click.option("--digest", help="Do what was shown under this digest.")
@click.option("--reason", default="", help="Why, for those who sign and for the record.")
@person_option
@json_option
@click.pass_context
def give_up(
    context: click.Context,
    lane: Lane,
    backup_id: str,
    digest: str | None,
    reason: str,
    person: str,
    as_json: bool,
) -> None:
    """Let a BACKUP of LANE go that kept data was released on.

    Two approvers besides you sign it. Nothing is removed: `backup prune` may take it from then on.
    Without --digest it is only shown.
    """
    if not 0 < len(backup_id) <= LONGEST_ID:
        raise BadInput("That is no backup's name.")
    office = office_of(context)
    if digest is None:
        asked = Asked(lane, as_person(person), reason.strip(), backup=BackupId(backup_id))
        look_and_show(office, GIVE_UP, asked, as_json)
        return
    named = proposed_document(office, GIVE_UP, Digest(digest)).backup_id
    if named != backup_id:
        raise BadInput(f"The digest {digest} is of backup {named}, not of {backup_id}.")
    do_it(office, GIVE_UP, lane, Digest(digest), as_json)


@backup.command()
@click.argument("lane", type=LANE)
@click.option(
    "--keep-for",
    type=click.IntRange(0, 36_500),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="How long a backup is kept that nothing leans on.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
@click.pass_context
def prune(context: click.Context, lane: Lane, keep_for: int, dry_run: bool, as_json: bool) -> None:
    """Remove the backups of LANE that nothing leans on any more.

    Never the last proven one, nor one that data was released on or a release would lean on.
    """
    office, longest = office_of(context), timedelta(days=keep_for)
    with waiting_for(f"Looking at the backups of {lane}", quiet=as_json):
        act = look_at_backups if dry_run else prune_backups
        found = act(office, lane, longest)
    if as_json:
        answer([each.to_plain() for each in found])
        return
    for each in found:
        gate = each.backup.gate
        goes = "would go" if dry_run else "removed"
        say(
            escape(f"{gate.backup_id}\n    {gate.snapshot_at:%Y-%m-%d %H:%M} UTC: ")
            + escape(f"stays, {each.why}" if each.why else goes)
        )
    if not found:
        say(f"There is no backup of {lane}.")
