"""`policy propose|apply|show|history`; with `check`, `diff` and `translate`, which need no host."""

import json
from pathlib import Path

import click
from rich.markup import escape

from launchplane_lane_contracts.contract import Digest, Person
from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.policy import Policy

from ..lives.go_live import show_in_the_lane
from ..policy_changes import apply_policy, propose_policy
from ..spelled_out import one_line
from .policy_review import check, diff, read_file, translate
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
from .words import policy_words


@click.group()
def policy() -> None:
    """What may be done to each lane's data."""


@policy.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--reason", required=True, help="Why, for those who sign and for the record.")
@click.option("--lane", "lane", type=LANE, help="Which lane, where FILE holds many.")
@person_option
@json_option
@click.pass_context
def propose(
    context: click.Context,
    file: Path,
    reason: str,
    lane: Lane | None,
    person: str,
    as_json: bool,
) -> None:
    """Put the policy in FILE up for signatures.

    FILE is TOML or JSON; one lane's policy is proposed at a time.
    """
    office = office_of(context)
    policy = read_policy(file, lane)
    with waiting_for(f"Asking lane {policy.lane}", quiet=as_json):
        proposed = propose_policy(office, policy, proposer=as_person(person), why=reason)
    if as_json:
        answer(
            {
                "digest": proposed.digest,
                "loosens": list(proposed.loosens),
                "approvers_required": proposed.tally.required,
            }
        )
        return
    say(escape(policy_words(proposed)))
    if proposed.tally.required:
        say(how_to_sign(proposed.digest, proposed.tally.required))
    say(f"Then: lane-authority policy apply {proposed.digest}")


@policy.command()
@click.argument("digest")
@json_option
@click.pass_context
def apply(context: click.Context, digest: str, as_json: bool) -> None:
    """Record a proposed policy that is signed.

    DIGEST is the one that was printed when it was proposed.
    """
    office = office_of(context)
    revision = apply_policy(office, Digest(digest))
    with waiting_for("Having it written into the lane's marker", quiet=as_json):
        shown = show_in_the_lane(office, revision, Person(revision.recorded_by))
    if as_json:
        answer({**revision.to_plain(), "in_the_lane": shown})
        return
    say(f"Lane {revision.policy.lane}: policy revision {revision.number} is in force.")
    if shown:
        say(escape(shown))


@policy.command()
@click.argument("lane", type=LANE)
@json_option
@click.pass_context
def show(context: click.Context, lane: Lane, as_json: bool) -> None:
    """The policy in force."""
    revision = office_of(context).store.policy(lane)
    if revision is None:
        raise BadInput(f"Nobody has recorded a policy for lane {lane}; nothing is allowed on it.")
    if as_json:
        answer(revision)
        return
    say(
        f"Lane {lane}, revision {revision.number}, {revision.recorded_at:%Y-%m-%d %H:%M} UTC by "
        f"{escape(one_line(revision.recorded_by))}: {escape(one_line(revision.reason))}"
    )
    for name, value in revision.policy.to_plain().items():
        if name not in ("lane", "schema_version") and value is not None:
            say(f"  {name} = {escape(json.dumps(value))}")


@policy.command()
@click.argument("lane", type=LANE)
@json_option
@click.pass_context
def history(context: click.Context, lane: Lane, as_json: bool) -> None:
    """Every revision, oldest first."""
    revisions = office_of(context).store.history(lane)
    if as_json:
        answer([revision.to_plain() for revision in revisions])
        return
    for revision in revisions:
        say(
            f"{revision.number:>4}  {revision.recorded_at:%Y-%m-%d %H:%M} UTC  "
            f"{escape(one_line(revision.recorded_by))}  {escape(one_line(revision.reason))}"
        )
    if not revisions:
        say(f"Nobody has recorded a policy for lane {lane}.")


def read_policy(file: Path, lane: Lane | None = None) -> Policy:
    """The policy of one lane in a file; `lane` may be left out where the file holds one only.

    Raises BadInput with every mistake in the file.
    """
    policies = read_file(file)
    found = [policy for policy in policies if lane in (None, policy.lane)]
    if len(found) != 1:
        names = ", ".join(str(policy.lane) for policy in policies)
        raise BadInput(f"Say which lane is meant with --lane; {file} holds: {names}.")
    return found[0]


for command in (check, diff, translate):
    policy.add_command(command)
