"""What Launchplane's workflows are given: a checkpoint that can say no, and a wrapper."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.policy import LiveTarget
from launchplane_lane_contracts.request import FreshVolumes

from .effects import BEGINNING_EFFECTS
from .host import DriverHost
from .refusal_text import refusal_text

Result = TypeVar("Result")

PASSED = "pass"
"""Launchplane's own word for success."""


def checkpoint(
    host: DriverHost,
    host_directory: str,
    lane: Lane,
    *,
    data_source: str = "",
    fresh_volumes: FreshVolumes | None = None,
    provider_target: Callable[[], LiveTarget] | None = None,
) -> Callable[..., None]:
    """The callable that Launchplane's workflows take as `provider_effect_checkpoint`.

    It takes the effect's name, or a phase and the effect's name. It raises click.ClickException
    with all reasons when the effect may not happen. `data_source` is the request's own
    `data_source_mode`; a target replacement is refused without it, since its effect has the same
    name whether the data stays or goes. `fresh_volumes` are those that the request names.
    `provider_target` asks the provider for the target that Launchplane is about to act on; it is
    called at each effect that begins something. Where the policy names a target, nothing begins
    without it or on another one.

    The lane is unfinished afterwards until somebody finishes it; `guarded` does that.
    """

    def check(*phase_and_effect: str) -> None:
        effect = phase_and_effect[-1]
        begins = effect in BEGINNING_EFFECTS
        target = _asked(provider_target) if begins and provider_target is not None else None
        try:
            host.before_provider_effect(
                host_directory, lane, effect, data_source, fresh_volumes, target
            )
        except LaneAuthorityError as problem:
            raise click.ClickException(refusal_text(problem)) from None

    return check


def guarded(
    execute: Callable[..., Result],
    *,
    host: DriverHost,
    host_directory: str,
    lane: Lane,
    succeeded: Callable[[Result], bool] | None = None,
    provider_target: Callable[[], LiveTarget] | None = None,
) -> Callable[..., Result]:
    """Wrap one of Launchplane's `execute_*` functions: checkpoint before, `finish` after.

    `succeeded` reads the workflow's own report from its result, `reported_success` where none is
    given; no report is no. `provider_target` is that of `checkpoint`. A checkpoint that the caller
    passes is asked first. A refusal of `finish` is raised as click.ClickException, and so is a
    success of which the checkpoint never heard; an exception of the workflow as it is.
    """
    did_it_succeed = succeeded or reported_success

    def run(**arguments: Any) -> Result:
        begun = False
        request = arguments.get("request")
        _require_same_lane(request, lane)
        mode = str(getattr(request, "data_source_mode", "") or "")
        check = checkpoint(
            host,
            host_directory,
            lane,
            data_source=mode,
            fresh_volumes=volumes_of(request),
            provider_target=provider_target,
        )
        theirs = arguments.pop("provider_effect_checkpoint", None)

        def noting(*phase_and_effect: str) -> None:
            nonlocal begun
            if theirs is not None:
                # Ours is last: what it does must not be done when another one says no.
                theirs(*phase_and_effect)
            check(*phase_and_effect)
            begun = True

        try:
            result = execute(**arguments, provider_effect_checkpoint=noting)
        except Exception as problem:
            if begun:
                _report(host, host_directory, lane, succeeded=False, report=str(problem))
            raise
        # A word is true whatever it says, `fail` too.
        done = did_it_succeed(result) is True
        if done and not begun:
            raise click.ClickException(_never_asked(lane))
        if begun:
            problem_text = _report(
                host, host_directory, lane, succeeded=done, report="" if done else str(result)
            )
            if problem_text and done:
                raise click.ClickException(problem_text)
        return result

    return run


def _asked(provider_target: Callable[[], LiveTarget]) -> LiveTarget:
    try:
        return provider_target()
    except click.ClickException:
        raise
    except Exception as problem:
        raise click.ClickException(
            "The provider could not be asked which target is about to be changed "
            f"({type(problem).__name__}). Nothing was started. See that it answers, then try again."
        ) from None


def reported_success(result: object) -> bool:
    """Whether a workflow's result reports success: it has a status, and every one is `pass`.

    A status is an attribute called `status`, or one whose name ends in `_status`.
    """
    statuses = [
        getattr(result, name)
        for name in dir(result)
        if not name.startswith("_") and (name == "status" or name.endswith("_status"))
    ]
    return bool(statuses) and all(each == PASSED for each in statuses)


def volumes_of(request: object) -> FreshVolumes | None:
    """The volumes that a request of Launchplane's names, where it names any."""
    before = getattr(request, "expected_old_db_volume", "")
    after = getattr(request, "expected_new_db_volume", "")
    if not before or not after or before == after:
        return None
    return FreshVolumes(database_before=str(before), database_after=str(after))


def _never_asked(lane: Lane) -> str:
    return (
        f"The workflow reports success on lane {lane}, and its checkpoint was never asked or did "
        "not say yes: nothing was set aside, and nobody knows what it did. Look at the lane "
        f"(`lane-authority lane {lane}`), which says whether its data is what is on record. What "
        "was authorized can still be started, or given up with `lane-authority undo`. Guard only "
        "workflows that call the `provider_effect_checkpoint` that they are given."
    )


def _require_same_lane(request: object, lane: Lane) -> None:
    """Refuse a workflow that was asked for another lane than the one that is guarded."""
    named = {
        part: getattr(request, part, None) or getattr(lane, part)
        for part in ("product", "context", "instance")
    }
    if request is None or named != lane.to_plain():
        raise click.ClickException(
            f"The workflow's request is for {'/'.join(named.values()) if request else 'no lane'}, "
            f"and what guards it was made for {lane}. Nothing was started. Guard each request with "
            "the lane that it names."
        )


def _report(
    host: DriverHost, host_directory: str, lane: Lane, *, succeeded: bool, report: str
) -> str:
    """Tell the drivers how it ended; the text of their refusal, if they refuse."""
    try:
        host.finish(host_directory, lane, succeeded=succeeded, report=report)
    except LaneAuthorityError as problem:
        return refusal_text(problem)
    return ""
