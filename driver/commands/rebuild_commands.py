"""`plan authorize start finish undo`: one rebuild from its dry run to its end."""

import os
from pathlib import Path

import click
from pydantic import ValidationError
from rich.markup import escape

from launchplane_lane_contracts.contract import BackupId, DatabaseName, Digest, OperationId
from launchplane_lane_contracts.errors import BadInput, Refused
from launchplane_lane_contracts.explain import reason_lines
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.policy import LiveTarget
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.request import FreshVolumes, Request
from launchplane_lane_contracts.vocabulary import (
    REQUESTS_THAT_EXIST,
    DataSource,
    Operation,
    OperationPhase,
    TargetOrigin,
)

from .. import operations, planning
from ..durable import write_durably
from ..effects import BEGUN_BY_HAND
from ..host import DriverHost
from ..lane_office import LaneOffice
from ..store.records import OperationRecord
from .folding import say_folded
from .progress import waiting_for
from .shared import (
    LANE,
    OPERATION,
    answer,
    as_person,
    json_option,
    mistakes,
    office_of,
    person_option,
    say,
)
from .words import refusal_words, sheet_words

REQUESTS = sorted(f"{operation}/{source}" for operation, source in REQUESTS_THAT_EXIST)


@click.command()
@click.argument("lane", type=LANE)
@click.argument("request_name", metavar="OPERATION/SOURCE", type=click.Choice(REQUESTS))
@click.option("--kept", "kept_database", help="The kept database to bring back (restore/kept).")
@click.option("--backup", "backup_id", help="The backup to restore (restore/backup_restore).")
@click.option("--reason", default="", help="Why, for those who sign and for the record.")
@click.option("--attest-runtime", is_flag=True, help="Odoo is down; let the guard speak for it.")
@click.option("--target-id", help="The provider's id of what is about to be changed.")
@click.option("--target-name", default="", help="The provider's name for it.")
@click.option("--target-domain", "domains", multiple=True, help="A domain that it serves.")
@click.option(
    "--database-volume",
    metavar="OLD=NEW",
    help="The provider puts the database on a fresh volume, and leaves the old one.",
)
@click.option("--files-volume", metavar="OLD=NEW", help="The same of the files.")
@person_option
@json_option
@click.pass_context
def plan(
    context: click.Context,
    lane: Lane,
    request_name: str,
    kept_database: str | None,
    backup_id: str | None,
    reason: str,
    attest_runtime: bool,
    target_id: str | None,
    target_name: str,
    domains: tuple[str, ...],
    database_volume: str | None,
    files_volume: str | None,
    person: str,
    as_json: bool,
) -> None:
    """Say what a rebuild would do, and whether it may.

    Nothing is changed.
    """
    operation, source = request_name.split("/")
    if source == DataSource.KEPT and not kept_database:
        raise BadInput(
            f"Which kept data is to come back? Name it with --kept; `lane-authority lane {lane}` "
            "lists what is kept."
        )
    if source == DataSource.BACKUP_RESTORE and not backup_id:
        raise BadInput(
            "Which backup is to be restored? Name it with --backup; "
            f"`lane-authority backup list {lane}` lists them."
        )
    try:
        request = Request(
            lane=lane,
            operation=Operation(operation),
            data_source=DataSource(source),
            requester=as_person(person),
            reason=reason,
            kept_database=DatabaseName(kept_database) if kept_database else None,
            backup_id=BackupId(backup_id) if backup_id else None,
            attest_runtime=attest_runtime,
            fresh_volumes=_volumes(database_volume, files_volume),
            provider_target=LiveTarget(
                target_id=target_id,
                name=target_name,
                domains=domains,
                read_from=TargetOrigin.TYPED,
            )
            if target_id
            else None,
        )
    except ValidationError as problem:
        raise BadInput(f"That is not a request: {mistakes(problem)}.") from None
    except ValueError as problem:
        raise BadInput(f"That is not a request: {problem}") from None
    with waiting_for(f"Asking lane {lane}", quiet=as_json):
        made, told = planning.plan_with_forecast(office_of(context), request)
    missing = {each.code for each in made.decision.reasons} == {ReasonCode.APPROVALS_MISSING}
    if as_json:
        answer({"digest": made.plan_digest, **made.to_plain(), "forecast": told.to_plain()})
    elif made.decision.allowed:
        say_folded(escape(sheet_words(made, told)))
        say(f"[green]Allowed.[/] Next: lane-authority authorize {made.plan_digest}")
    elif missing:
        say_folded(escape(sheet_words(made, told)))
        say("REFUSED as long as signatures are missing.")
        say_folded(escape("\n".join(reason_lines(made.decision.reasons))))
        say(f"Each who signs: lane-authority approve {made.plan_digest} --key YOUR_SSH_KEY")
        say(f"Then:           lane-authority authorize {made.plan_digest}")
    else:
        say_folded(escape(refusal_words(made)))
    if not made.decision.allowed:
        raise click.exceptions.Exit(Refused.exit_code)


def _volumes(database: str | None, files: str | None) -> FreshVolumes | None:
    """The volumes that change. Raises BadInput, or ValidationError for what they can't be."""
    if database is None and files is None:
        return None
    if database is None:
        raise BadInput("--files-volume goes with --database-volume.")
    before, after = _old_and_new(database)
    files_before, files_after = _old_and_new(files) if files else (None, None)
    return FreshVolumes(
        database_before=before,
        database_after=after,
        files_before=files_before,
        files_after=files_after,
    )


def _old_and_new(text: str) -> tuple[str, str]:
    before, sign, after = text.partition("=")
    if not (before and sign and after):
        raise BadInput(f"Volumes are written OLD=NEW, not {text!r}.")
    return before, after


@click.command()
@click.argument("digest")
@json_option
@click.pass_context
def authorize(context: click.Context, digest: str, as_json: bool) -> None:
    """Decide again, and claim the lane for a plan.

    DIGEST is the plan's. The lane is read again, and nothing of it is changed.
    """
    with waiting_for("Reading the lane again", quiet=as_json):
        claimed = planning.authorize(office_of(context), Digest(digest))
    _tell(claimed, as_json)


def _no_driver_vetoes(office: LaneOffice, operation: str) -> None:
    """Drivers besides ours are asked before something is begun by hand, as they always are."""
    found = office.store.operation(OperationId(operation))
    request = found.plan.target.request
    DriverHost.from_entry_points().others_before_effect(
        str(office.host.path),
        found.lane,
        BEGUN_BY_HAND,
        request.data_source,
        request.fresh_volumes,
    )


@click.command()
@click.argument("operation", type=OPERATION)
@click.option(
    "--permit",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the permit into this file and begin nothing: the guard's `run` in the lane does.",
)
@json_option
@click.pass_context
def start(context: click.Context, operation: str, permit: Path | None, as_json: bool) -> None:
    """Decide again, and have the old data set aside.

    OPERATION is what `authorize` printed. The permit is signed here.
    """
    if permit is not None:
        folder = permit.absolute().parent
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise BadInput(
                f"The permit cannot be written into {folder}: it is no folder, or you may not "
                "write there. Name another one. Nothing was signed."
            )
        office = office_of(context)
        _no_driver_vetoes(office, operation)
        started, token = operations.hand_out(office, OperationId(operation))
        write_durably(permit, token.encode(), mode=0o600)
        _tell(started, as_json)
        if not as_json:
            run = RUN.format(permit.name)
            say(escape(f"  Next, within 15 minutes and in the lane's runtime: {run}"))
            say(f"  Then here: lane-authority finish {started.operation_id}")
        return
    with waiting_for("Having the old data set aside", quiet=as_json):
        office = office_of(context)
        _no_driver_vetoes(office, operation)
        started = operations.start(office, OperationId(operation))
    _tell(started, as_json)


@click.command()
@click.argument("operation", type=OPERATION)
@click.option("--failed", is_flag=True, help="The materialiser reported that it failed.")
@click.option("--report", default="", help="What it reported.")
@click.option(
    "--wait",
    default=60.0,
    show_default=True,
    help="Seconds that a starting Odoo may take to answer.",
)
@json_option
@click.pass_context
def finish(
    context: click.Context, operation: str, failed: bool, report: str, wait: float, as_json: bool
) -> None:
    """Check what came, and settle.

    What came is held against the permit, and both witnesses are asked.
    """
    with waiting_for("Checking what came, and waiting for Odoo", quiet=as_json):
        settled = operations.finish(
            office_of(context),
            OperationId(operation),
            succeeded=not failed,
            report=report,
            wait_for_runtime=wait,
        )
    _tell(settled, as_json)


@click.command()
@click.argument("operation", type=OPERATION)
@json_option
@click.pass_context
def undo(context: click.Context, operation: str, as_json: bool) -> None:
    """Put the old data back, or give a claim up.

    What stands there instead of the old data is kept as well.
    """
    with waiting_for("Having the old data put back", quiet=as_json):
        undone = operations.undo(office_of(context), OperationId(operation))
    _tell(undone, as_json)


@click.command()
@click.argument("operation", type=OPERATION)
@click.option(
    "--attest-runtime", is_flag=True, help="Let the guard attest for a runtime that is down."
)
@json_option
@click.pass_context
def retry(context: click.Context, operation: str, attest_runtime: bool, as_json: bool) -> None:
    """Do an unfinished operation once more.

    What it left is set aside too. The old data stays kept, and `undo` still puts it back.
    """
    with waiting_for("Having what was left set aside", quiet=as_json):
        office = office_of(context)
        _no_driver_vetoes(office, operation)
        done = operations.retry(office, OperationId(operation), attest_runtime=attest_runtime)
    _tell(done, as_json)


@click.command()
@click.argument("operation", type=OPERATION)
@click.option(
    "--as-it-stands",
    is_flag=True,
    required=True,
    help="The data that was recorded never left its name, and stays.",
)
@json_option
@click.pass_context
def settle(context: click.Context, operation: str, as_it_stands: bool, as_json: bool) -> None:
    """End an operation under which the data stayed.

    The generation stays as well; a new marker is written.
    """
    assert as_it_stands
    with waiting_for("Asking the lane, and having its marker written anew", quiet=as_json):
        settled = operations.settle_as_it_stands(office_of(context), OperationId(operation))
    _tell(settled, as_json)


@click.command()
@click.argument("operation", type=OPERATION)
@json_option
@click.pass_context
def abort(context: click.Context, operation: str, as_json: bool) -> None:
    """Take a begin back, as long as nothing came.

    The very same database and files go back, as if it had not been begun.
    """
    with waiting_for("Having the old data put back as it was", quiet=as_json):
        aborted = operations.abort(office_of(context), OperationId(operation))
    _tell(aborted, as_json)


RUN = "lane-authority-guard run --permit {0} -- COMMAND"
MATERIALISE = "lane-authority materialise {0}"

NEXT = {
    OperationPhase.AUTHORIZED: "Next: lane-authority start {0}  "
    "(to give it up: lane-authority undo {0})",
    OperationPhase.BEGUN: "Next, when the new data is there: lane-authority finish {0}  "
    "(to go back: lane-authority undo {0})",
    OperationPhase.MATERIALISED: "Next: lane-authority finish {0}  "
    "(once more: lane-authority retry {0}; to go back: lane-authority undo {0})",
}
"""What an operator types after these phases."""


def _tell(operation: OperationRecord, as_json: bool) -> None:
    if as_json:
        answer(operation.shown())
        return
    say(f"Operation [bold]{operation.operation_id}[/] on {operation.lane} is {operation.phase}.")
    if operation.kept_name is not None:
        say(f"  Kept: {escape(operation.kept_name)}")
    if (
        operation.phase is OperationPhase.AUTHORIZED
        and operation.plan.target.request.data_source in operations.RESTORED
    ):
        say(
            f"  First, where nothing else restores it: {MATERIALISE.format(operation.operation_id)}"
        )
    if operation.phase in NEXT:
        say(f"  {NEXT[operation.phase].format(operation.operation_id)}")
