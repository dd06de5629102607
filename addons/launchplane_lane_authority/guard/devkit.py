"""The devkit's script, as far as the guard must know it: which flags and settings do what."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from launchplane_lane_contracts.errors import Busy
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.reasons import Reason, ReasonCode, reason
from launchplane_lane_contracts.vocabulary import DataSource

from .settings import GuardSettings

LOCK_FILE_VARIABLE = "ODOO_DATA_WORKFLOW_LOCK_FILE"
DEFAULT_LOCK_FILE = "/volumes/data/.data_workflow_in_progress"
"""The lock file of a script that is told of no other."""
BOOTSTRAP = "--bootstrap"
STAYS = frozenset({"--update-only", "--post-deploy-maintenance"})
NO_SANITISING = "--no-sanitize"
MODES = frozenset({BOOTSTRAP, *STAYS})
SAME_AS_FLAG = {"BOOTSTRAP": BOOTSTRAP, "NO_SANITIZE": NO_SANITISING}
"""Variables that do what a flag does."""
NAMES_THE_PLACE = (
    *("ODOO_DB_HOST", "ODOO_DB_PORT", "ODOO_DB_USER", "ODOO_DB_PASSWORD", "ODOO_DB_NAME"),
    *("ODOO_FILESTORE_PATH", LOCK_FILE_VARIABLE, "ODOO_UPSTREAM_HOST", "ODOO_UPSTREAM_USER"),
    *("ODOO_UPSTREAM_DB_NAME", "ODOO_UPSTREAM_DB_USER", "ODOO_UPSTREAM_FILESTORE_PATH"),
    *SAME_AS_FLAG,
)
"""Variables that the script reads without regard to case, and we as they are written here."""
PYTHON = re.compile(r"python(\d+(\.\d+)?)?")
PYTHON_OPTIONS = frozenset({"-u", "-B", "-E", "-I", "-P", "-s"})
FALSE = frozenset({"", "0", "false", "f", "no", "n", "off"})


def command_differs(
    permit: Permit, command: Sequence[str], environment: Mapping[str, str]
) -> tuple[Reason, ...]:
    """Everything in a command and its environment that would not do what the permit says."""
    script, flags = script_and_flags(command)
    differences = (
        *(() if script.endswith(".py") else ("it names no Python script of which that is known",)),
        *_flags_differ(permit, flags),
        *_variables_differ(permit, environment),
    )
    return tuple(_differs(each) for each in differences)


def require_free_lock(environment: Mapping[str, str]) -> None:
    """Raise Busy while a run of the script holds its lock file; the script itself takes it.

    A run that goes on would drop what is put back or set aside under it.
    """
    path = environment.get(LOCK_FILE_VARIABLE, "").strip() or DEFAULT_LOCK_FILE
    if Path(path).exists():
        raise Busy(
            f"The devkit's lock {path} is held by a run of its script, so nothing was done. "
            "Wait until that run has ended; where it is certain that none is left, remove the file."
        )


def child_environment(settings: GuardSettings, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, in which the script's client programs reach the guard's own server."""
    return {**environment, "PGPORT": str(settings.port)}


def script_and_flags(command: Sequence[str]) -> tuple[str, list[str]]:
    """The script, run by its path or by a Python, and what it is given; no script is empty."""
    rest = list(command)
    if PYTHON.fullmatch(Path(rest[0]).name):
        del rest[0]
        while rest and rest[0] in PYTHON_OPTIONS:
            del rest[0]
    return (rest[0], rest[1:]) if rest else ("", [])


def _flags_differ(permit: Permit, flags: Sequence[str]) -> Iterator[str]:
    source, known = permit.request.data_source, MODES | {NO_SANITISING}
    if permit.observation.incoming.side is not None:
        # It stands under the name already, so the script may only do what keeps it.
        source = DataSource.KEPT
    for flag in flags:
        if flag not in known:
            yield f"the guard does not know what {flag!r} does"
    modes = sorted(MODES & set(flags))
    said = " and ".join(modes) or "no flag, which restores from upstream,"
    if source is DataSource.BACKUP_RESTORE:
        yield "the devkit's script has no flag that restores a backup"
    elif source is DataSource.EMPTY and modes != [BOOTSTRAP]:
        yield f"the permit is for an empty lane ({BOOTSTRAP}), and there is {said}"
    elif source is DataSource.UPSTREAM_RESTORE and modes:
        yield f"the permit is for a restore from upstream (no flag), and there is {said}"
    elif source in (DataSource.EXISTING, DataSource.KEPT) and (
        len(modes) != 1 or modes[0] not in STAYS
    ):
        yield f"the permit keeps the data ({' or '.join(sorted(STAYS))}), and there is {said}"
    if NO_SANITISING in flags and permit.obligations.neutralise:
        yield f"what comes has to be neutralised, and {NO_SANITISING} leaves it as it is"


def _variables_differ(permit: Permit, environment: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(environment):
        if name.upper() in NAMES_THE_PLACE and name != name.upper():
            yield f"{name} is set, which the script may take for {name.upper()}"
    if _is_on(environment, "BOOTSTRAP") and permit.request.data_source is not DataSource.EMPTY:
        yield "BOOTSTRAP is on, and the permit is not for an empty lane"
    if _is_on(environment, "NO_SANITIZE") and permit.obligations.neutralise:
        yield "what comes has to be neutralised, and NO_SANITIZE is on"
    ports = {environment.get(name, "") for name in ("ODOO_DB_PORT", "PGPORT")} - {""}
    if len(ports) > 1:
        yield "ODOO_DB_PORT and PGPORT name two servers"
    path = environment.get("ODOO_FILESTORE_PATH", "")
    if path != path.strip() or any(sign in path for sign in "$~'\""):
        yield f"the script would read another folder than {path!r} in ODOO_FILESTORE_PATH"


def _is_on(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "").strip().lower() not in FALSE


def _differs(detail: str) -> Reason:
    return reason(
        ReasonCode.COMMAND_DIFFERS,
        f"The command would not do what the permit says: {detail}.",
        "Start it with what the permit says, or plan again for what the command does.",
        detail=detail,
    )
