"""`filestore`: whether the files are there, their shadow, and putting them back."""

from argparse import ArgumentParser

from ..filestore_check import check, incomplete
from ..filestore_repair import repair
from ..shadow_refresh import refresh
from .command import Answer, Call, Command

FROM_A_BACKUP = (
    "They lie nowhere in the keep with the right content. Take them from a backup of this lane, "
    "then check again."
)


def _check(call: Call) -> Answer:
    found = check(call.settings)
    bad = (*found.missing.names, *found.damaged.names)
    count = found.missing.count + found.damaged.count
    return Answer(
        result=found.to_plain(),
        message=f"All {found.named} file(s) that the database names are there and good; "
        f"{found.extra.count} more lie in the folder.",
        failure=incomplete(count, bad[0]) if bad else None,
    )


def _repair(call: Call) -> Answer:
    done = repair(call.settings)
    left = done.not_repaired
    failure = incomplete(left.count, left.names[0], FROM_A_BACKUP) if left.names else None
    message = (
        f"{done.from_shadow} file(s) were put back from the shadow and {done.from_kept} from kept "
        f"folders; all {done.named} that the database names are there and good."
    )
    return Answer(result=done.to_plain(), message=message, failure=failure)


def _refresh(call: Call) -> Answer:
    done = refresh(call.settings)
    message = f"The shadow holds {done.shadow.files} file(s), {done.linked} of them new."
    if not done.protected:
        message = "This lane's data may be made anew by its policy, so its files have no shadow."
    if done.damaged.count:
        message += (
            f" {done.damaged.count} file(s) in the folder are damaged: run `filestore check`."
        )
    return Answer(result=done.to_plain(), message=message)


ACTIONS = {"check": _check, "refresh": _refresh, "repair": _repair}


def _act(call: Call) -> Answer:
    return ACTIONS[call.arguments.action](call)


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=sorted(ACTIONS),
        help="check: compare the folder with what the database names; refresh: bring the shadow "
        "up to date; repair: put back what is missing or damaged",
    )


COMMANDS = (
    Command(
        "filestore",
        "check the lane's files, keep their shadow, or put them back",
        _act,
        add_arguments=_add_arguments,
    ),
)
