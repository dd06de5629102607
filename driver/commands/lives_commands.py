"""`enrol adopt …`: the lives of a lane, each in two steps: look, then do what was shown."""

import shlex
from typing import Any

import click
from rich.markup import escape

from launchplane_lane_contracts.contract import DatabaseName, Digest, Person
from launchplane_lane_contracts.errors import BadInput, LaneAuthorityError
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.lives import LifeDocument
from launchplane_lane_contracts.reading import LaneReading

from ..lane_office import LaneOffice
from ..lives import LIVES, Asked, Life, LifePlan, carry_out, look
from ..lives.copy import Copy
from ..lives.kept_doors import find_kept, is_open, switch_kept
from ..lives.life import proposed_document
from ..lives.moved import Moved
from ..lives.release import ReleaseKept, release_due
from ..spelled_out import spelled_out
from .progress import waiting_for
from .shared import (
    LANE,
    answer,
    as_person,
    how_to_sign,
    json_option,
    office_of,
    person_option,
    say,
)


def life_words(life: Life[Any], document: LifeDocument) -> str:
    """What is to be signed, in words."""
    return "\n".join((*life.words(spelled_out(document)), f"Digest:     {document.digest()}"))


def what_is_in_there(reading: LaneReading) -> tuple[str, ...]:
    """What helps people to know the data again. None of it is signed."""
    database = reading.database
    lines = []
    if database.size_bytes is not None:
        lines.append(f"Size:       {database.size_bytes / 1e6:,.0f} MB of database")
    if database.contents is not None:
        last = database.contents.last_activity
        when = f"{last:%Y-%m-%d %H:%M} UTC" if last is not None else "unknown"
        lines.append(f"In it:      {database.contents.users} active users, last login {when}")
    return tuple(lines)


def _command(life: Life[Any], help_text: str) -> click.Command:
    @click.command(life.command, help=help_text)
    @click.argument("lane", type=LANE)
    @click.option("--digest", help="Do what was shown under this digest.")
    @click.option("--reason", default="", help="Why, for those who sign and for the record.")
    @person_option
    @json_option
    @click.pass_context
    def command(
        context: click.Context,
        lane: Lane,
        digest: str | None,
        reason: str,
        person: str,
        as_json: bool,
    ) -> None:
        office = office_of(context)
        if digest is not None:
            do_it(office, life, lane, Digest(digest), as_json)
        else:
            copies = life.command == Copy.command
            asked = Asked(lane, as_person(person), reason.strip(), with_original=copies)
            look_and_show(office, life, asked, as_json)

    return command


def look_and_show(office: LaneOffice, life: Life[Any], asked: Asked, as_json: bool) -> None:
    """The first step: put it up for signatures, and say how it goes on."""
    with waiting_for(f"Asking lane {asked.lane}", quiet=as_json):
        found = look(office, life, asked)
    _show(life, found, as_json)


def do_it(office: LaneOffice, life: Life[Any], lane: Lane, digest: Digest, as_json: bool) -> None:
    """The second step: what was shown under the digest."""
    shown = proposed_document(office, life, digest).lane
    if shown != lane:
        raise BadInput(
            f"The digest {digest} is of lane {shown}, not of {lane}. Nothing was changed. "
            f"Name that lane, or the digest that `lane-authority {life.command}` printed for "
            "this one."
        )
    with waiting_for(f"Asking lane {lane}, and having it done", quiet=as_json):
        done = carry_out(office, life, digest)
    if as_json:
        answer(office.store.host_record(lane))
    else:
        say(escape(done))


def _show(life: Life[Any], found: LifePlan[Any], as_json: bool) -> None:
    if as_json:
        answer(
            {
                "digest": found.digest,
                "approvers_required": found.tally.required,
                **found.document.to_plain(),
            }
        )
        return
    say(escape(life_words(life, found.document)))
    for line in what_is_in_there(found.seen.reading):
        say(line)
    if found.tally.requester_signs:
        say(how_to_sign(found.digest, found.tally.required))
    if found.tally.cooling_off_until is not None:
        say(f"It may be done from {found.tally.cooling_off_until:%Y-%m-%d %H:%M} UTC on.")
    meant = found.seen.asked.kept or found.seen.asked.backup
    which = f" {meant}" if meant is not None else ""
    by = shlex.quote(found.document.requester)
    command = f"lane-authority {life.command} {found.document.lane}{which}"
    say(escape(f"Then: {command} --digest {found.digest} --as {by}"))


HELP = {
    "enrol": "Record what stands at a lane's place as its data.\n\n"
    "Without --digest it is only shown.",
    "adopt": "Take what stands at a lane's own place as its data again.\n\n"
    "After a lost tag, a damaged marker, or a dump that was restored in place by hand. Without "
    "--digest it is only shown.",
    "restamp": "Sign a lane's marker again with the present key.\n\n"
    "The data keeps its generation. Without --digest it is only shown.",
    "lower": "Lower the marker of a lane's data to what the policy in force says.\n\n"
    "`policy apply` does it at once where it can. Without --digest it is only shown.",
    "lost": "Declare a lane's data lost, and keep what can be reached of it.\n\n"
    "For data that can't be backed up any more, or whose server is gone. Nothing is dropped. "
    "Without --digest it is only shown.",
    "copy": "Accept what stands at a lane's place as a copy of another lane's data.\n\n"
    "It is neutralised, has no authority, and is this lane's own from then on. Without --digest it "
    "is only shown.",
    "retire": "End a lane: keep its data, and allow nothing on it any more.\n\n"
    "What is kept is released by the rules. Without --digest it is only shown.",
}
"""What each command says of itself."""

RELEASE, MOVED = ReleaseKept(), Moved()


@click.command()
@click.argument("lane", type=LANE, required=False)
@click.argument("kept", required=False)
@click.option("--digest", help="Do what was shown under this digest.")
@click.option("--reason", default="", help="Why, for those who sign and for the record.")
@click.option(
    "--give-up", is_flag=True, help="Without a proven backup, which two approvers besides you sign."
)
@click.option("--due", is_flag=True, help="All that is due and needs nobody, of LANE or of all.")
@person_option
@json_option
@click.pass_context
def release(
    context: click.Context,
    lane: Lane | None,
    kept: str | None,
    digest: str | None,
    reason: str,
    give_up: bool,
    due: bool,
    person: str,
    as_json: bool,
) -> None:
    """Drop KEPT data of a lane.

    `lane-authority lane LANE` lists it. Without --digest it is only shown.
    """
    office = office_of(context)
    if due:
        if kept is not None or digest is not None:
            raise BadInput("With --due, all that is due is meant: name no kept data and no digest.")
        _release_due(office, lane, as_person(person), as_json)
        return
    if lane is None or kept is None:
        raise BadInput("Name the lane and its kept data, or ask for --due.")
    if digest is not None:
        named = proposed_document(office, RELEASE, Digest(digest)).kept.name
        if named != kept:
            raise BadInput(f"The digest {digest} is of {named}, not of {kept}.")
        do_it(office, RELEASE, lane, Digest(digest), as_json)
        return
    asked = Asked(lane, as_person(person), reason.strip(), DatabaseName(kept), give_up=give_up)
    look_and_show(office, RELEASE, asked, as_json)


def _release_due(office: LaneOffice, lane: Lane | None, person: Person, as_json: bool) -> None:
    lanes = (lane,) if lane is not None else tuple(office.host.lanes())
    failed: list[LaneAuthorityError] = []
    told = []
    with waiting_for("Releasing what is due", quiet=as_json):
        for of, name, what, problem in release_due(office, lanes, person):
            told.append({"lane": str(of), "kept": name, "what": what})
            if problem is not None:
                failed.append(problem)
            if not as_json:
                say(escape(f"{of}  {name}  {what}"))
    if as_json:
        answer(told)
    if failed:
        raise click.exceptions.Exit(max(each.exit_code for each in failed))


@click.command()
@click.argument("lane", type=LANE)
@click.option("--digest", help="Do what was shown under this digest.")
@click.option("--reason", default="", help="Why, for those who sign and for the record.")
@click.option("--old-guard", default="", help="The command that runs the guard at the old place.")
@click.option(
    "--old-place-stopped", is_flag=True, help="The old place is stopped for good; all sign that."
)
@click.option(
    "--give-up",
    is_flag=True,
    help="Leave authoritative kept data behind, which two approvers besides you sign.",
)
@person_option
@json_option
@click.pass_context
def moved(
    context: click.Context,
    lane: Lane,
    digest: str | None,
    reason: str,
    old_guard: str,
    old_place_stopped: bool,
    give_up: bool,
    person: str,
    as_json: bool,
) -> None:
    """Record that a lane's data stands on another server from now on.

    After a PostgreSQL upgrade or a migration; the lane's configuration names the new place. Without
    --digest it is only shown.
    """
    office = office_of(context)
    if digest is not None:
        do_it(office, MOVED, lane, Digest(digest), as_json)
        return
    try:
        command = tuple(shlex.split(old_guard))
    except ValueError as problem:
        raise BadInput(f"--old-guard is no command line: {problem}.") from None
    asked = Asked(
        lane,
        as_person(person),
        reason.strip(),
        give_up=give_up,
        old_guard=command,
        old_place_is_stopped=old_place_stopped,
    )
    look_and_show(office, MOVED, asked, as_json)


@click.group("kept-data")
def kept_data() -> None:
    """Kept data, opened for reading and closed again."""


def _door(name: str, closing: bool, help_text: str) -> click.Command:
    @click.command(name, help=help_text)
    @click.argument("lane", type=LANE)
    @click.option("--now", "do_it", is_flag=True, help="Do it; without this it is only shown.")
    @person_option
    @json_option
    @click.pass_context
    def command(
        context: click.Context, lane: Lane, do_it: bool, person: str, as_json: bool
    ) -> None:
        office = office_of(context)
        with waiting_for(f"Asking lane {lane}", quiet=as_json):
            seen = find_kept(office, lane, as_person(person))
            if do_it:
                seen = switch_kept(office, seen, closing=closing)
        found = {each.name: is_open(seen, each) for each in seen.record.kept}
        if as_json:
            answer({"done": do_it, "open": found})
            return
        for kept, opened in found.items():
            say(escape(f"{kept}  {'open for reading' if opened else 'closed'}"))
        then = f"Then: lane-authority kept-data {name} {lane} --now --as {shlex.quote(person)}"
        say("Done." if do_it else escape(then))

    return command


kept_data.add_command(
    _door("open", False, "Open all kept data of a lane for reading; it stays locked.")
)
kept_data.add_command(_door("close", True, "Close it again, and end the sessions in it."))

lives_commands = (
    *(_command(life, HELP[life.command]) for life in LIVES if life.command in HELP),
    moved,
    release,
    kept_data,
)
"""One command each."""
