"""`policy propose|apply|show|history`."""

import json
import tomllib
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from rich.markup import escape

from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.policy import Policy

from ..policy_changes import apply_policy, propose_policy
from .shared import (
    LANE,
    answer,
    as_person,
    how_to_sign,
    json_option,
    mistakes,
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
@person_option
@json_option
@click.pass_context
def propose(context: click.Context, file: Path, reason: str, person: str, as_json: bool) -> None:
    """Put the policy in FILE up for signatures.

    FILE is TOML or JSON and holds one lane.
    """
    office = office_of(context)
    proposed = propose_policy(office, read_policy(file), proposer=as_person(person), why=reason)
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
    revision = apply_policy(office_of(context), Digest(digest))
    if as_json:
        answer(revision)
    else:
        say(f"Lane {revision.policy.lane}: policy revision {revision.number} is in force.")


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
        f"{escape(revision.recorded_by)}: {escape(revision.reason)}"
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
            f"{escape(revision.recorded_by)}  {escape(revision.reason)}"
        )
    if not revisions:
        say(f"Nobody has recorded a policy for lane {lane}.")


def read_policy(file: Path) -> Policy:
    """The policy in a file. Raises BadInput with every mistake in it."""
    try:
        text = file.read_text(encoding="utf-8")
        plain: Any = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as problem:
        raise BadInput(f"{file} could not be read: {problem}.") from None
    except RecursionError:
        raise BadInput(f"{file} is nested too deeply to be a policy.") from None
    if isinstance(plain, dict) and isinstance(plain.get("lane"), str):
        try:
            plain["lane"] = Lane.parse(plain["lane"]).to_plain()
        except ValueError as problem:
            raise BadInput(f"{file}: lane: {problem}") from None
    try:
        # TOML has dates of its own; as text they are read like JSON's.
        return Policy.from_json(json.dumps(plain, default=lambda value: value.isoformat()))
    except ValidationError as problem:
        raise BadInput(f"{file} has mistakes: {mistakes(problem)}.") from None
