"""Whose signatures count: what the files say, while that is what the ledger has on record."""

import stat
from pathlib import Path

from pydantic import ValidationError

from launchplane_lane_contracts.approval import Thresholds
from launchplane_lane_contracts.contract import UtcInstant
from launchplane_lane_contracts.errors import BadInput, CouldNotTell, LaneAuthorityError, Refused
from launchplane_lane_contracts.people import People
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason

from .enough_people import require_signers
from .host_directory import HostDirectory
from .store import Store
from .toml_file import read_toml

NOBODY = People(approvers="", thresholds=Thresholds())
"""What is on record before anybody is."""


def people_in_files(host: HostDirectory) -> People:
    """What the two files say.

    Raises CouldNotTell when the approvers file cannot be relied on, BadInput when the numbers
    cannot be understood.
    """
    return People(
        approvers=_read_approvers(host.approvers_file),
        thresholds=_read_thresholds(host.thresholds_file),
    )


def _read_thresholds(file: Path) -> Thresholds:
    plain = read_toml(file)
    try:
        return Thresholds.from_plain(plain)
    except TypeError:
        raise BadInput(f"{file} has mistakes: a date is no number. Correct the file.") from None
    except ValidationError as problem:
        faults = "; ".join(
            f"{'.'.join(str(step) for step in each['loc'])}: {each['msg']}"
            for each in problem.errors(include_url=False, include_input=False)
        )
        raise BadInput(
            f"{file} has mistakes: {faults}. It may hold `consequential` (0 or 1) and `grave` (0, "
            "1 or 2)."
        ) from None


def _read_approvers(file: Path) -> str:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        detail = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise CouldNotTell(
            f"The approvers file {file} cannot be read: {detail}. Put it back, or make an "
            "empty one with `lane-authority init`."
        ) from error
    if mode & 0o022:
        raise CouldNotTell(
            f"The approvers file {file} can be written by others (mode {mode:04o}), who could add "
            f"themselves. See what is in it, then run: chmod go-w {file}"
        )
    return text


def begin_people(host: HostDirectory, store: Store, now: UtcInstant) -> People | None:
    """Record the files as the beginning, where nothing is on record and they name somebody.

    Gives what is on record; None while nobody is. Raises as `people_to_begin_with` does.
    """
    found = people_to_begin_with(host, store, now)
    if found is None:
        return store.people()
    store.record_people(found, now=now, change_digest=None, approvals_used=())
    return found


def people_to_begin_with(host: HostDirectory, store: Store, now: UtcInstant) -> People | None:
    """What the files say where nothing is on record; None where something is, or they say nothing.

    Raises BadInput for lines that OpenSSH cannot read, and for fewer people than the numbers ask
    for: with those, nothing could ever be signed.
    """
    if store.people() is not None:
        return None
    found = people_in_files(host)
    if not found.lines:
        return None
    require_signers(host, found, now)
    return found


def people_that_count(host: HostDirectory, store: Store) -> People:
    """Those on record, which must be those in the files.

    Raises Refused with the reason and the way on when they are not.
    """
    recorded, found = store.people(), people_in_files(host)
    if recorded is None:
        raise Refused.because(_not_on_record(host, "nobody's signature is on record yet"))
    if recorded != found:
        raise Refused.because(
            _not_on_record(host, "the approvers file or the numbers beside it were changed")
        )
    return recorded


def why_nobody_counts(host: HostDirectory, store: Store) -> tuple[Reason, ...]:
    """Why no signature counts at present; nothing where they do."""
    try:
        people_that_count(host, store)
    except LaneAuthorityError as problem:
        return problem.reasons or (
            reason(
                ReasonCode.APPROVERS_NOT_ON_RECORD,
                f"No signature counts: {problem.message}",
                "Put that right (`lane-authority approvers show` tells what is on record), then "
                "apply it again; what was signed stays signed.",
                approvers_file=host.approvers_file,
            ),
        )
    return ()


def _not_on_record(host: HostDirectory, detail: str) -> Reason:
    remedy = (
        f"Say in {host.approvers_file} whose signatures count, then run `lane-authority init` "
        "once more, which puts the beginning on record."
        if detail.startswith("nobody")
        else "Put the file back as it was (`lane-authority approvers show` tells what is on "
        "record), or propose the change with `lane-authority approvers propose`, which the people "
        "on record sign."
    )
    return reason(
        ReasonCode.APPROVERS_NOT_ON_RECORD,
        f"No signature counts: {detail}.",
        remedy,
        approvers_file=host.approvers_file,
    )
