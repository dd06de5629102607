"""A stand-in for the provider that Launchplane acts through: targets on this machine.

A target's schedule really runs the devkit's script as a child, and its deploy really stops
and starts what the caller gives it. It answers calls in the manner of an HTTP client:
`provider(method=…, path=…, payload=…)`.
"""

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import click

LOG_LINES = 1000
FLAGS: Mapping[str, tuple[str, ...]] = {
    "restore": (),
    "bootstrap": ("--bootstrap",),
    "update-only": ("--update-only",),
    "post-deploy-maintenance": ("--post-deploy-maintenance",),
}
# The one mode that runs beside a serving Odoo.
WITHOUT_A_STOP = frozenset({"post-deploy-maintenance"})


class ProviderError(click.ClickException):
    """The provider can't do what it was asked; Launchplane's HTTP errors are of this kind too."""


@dataclass(frozen=True)
class LocalTarget:
    """One lane as the provider knows it: its names, and how its containers are worked."""

    target_id: str
    """The provider's own id."""
    name: str
    """The name that people gave it."""
    domains: tuple[str, ...]
    """Where it is reached."""
    command: tuple[str, ...]
    """The argv of the devkit's script, without its flags."""
    environment: Mapping[str, str]
    """The whole environment of that child."""
    stop: Callable[[], None] | None = None
    """Stops the lane's Odoo container."""
    start: Callable[[], None] | None = None
    """Starts it, whatever became of the data: containers restart by themselves."""
    take_identity: Callable[[Mapping[str, object]], None] | None = None
    """Puts a new runtime identity into the environment of the containers to come."""
    put_on_volumes: Callable[[Mapping[str, object]], None] | None = None
    """Puts the lane on fresh or other volumes; gets the payload's `volumes`."""


@dataclass(frozen=True)
class ProviderCall:
    """One call that reached the provider."""

    method: str
    path: str
    payload: Mapping[str, object]


@dataclass(frozen=True)
class ScheduleRun:
    """What came back from one run of the script."""

    target_id: str
    mode: str
    exit_code: int
    """As the child ended; negative for the signal that ended it."""
    log: tuple[str, ...]
    """At most the last 1000 lines."""


@dataclass
class LocalProvider:
    """The targets, and a record of all that was asked of them."""

    targets: dict[str, LocalTarget] = field(default_factory=dict)
    calls: list[ProviderCall] = field(default_factory=list)
    runs: list[ScheduleRun] = field(default_factory=list)
    echo: Callable[[str], None] | None = None
    """Gets each log line of the script as it comes."""

    def add(self, target: LocalTarget) -> None:
        """Know one more target, or another one under the same id."""
        self.targets[target.target_id] = target

    def __call__(
        self, *, method: str, path: str, payload: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Answer one call.

        `compose.one`, `compose.update`, `compose.deploy`, `schedule.update`, `schedule.run`; each
        payload names its target as `composeId`. Raises ProviderError for what it does not know.
        """
        self.calls.append(ProviderCall(method, path, dict(payload)))
        target = self.target(str(payload.get("composeId", "")))
        match (method, path):
            case ("GET", "compose.one"):
                return {
                    "composeId": target.target_id,
                    "name": target.name,
                    "domains": list(target.domains),
                }
            case ("POST", "compose.update"):
                identity = payload.get("runtimeIdentity")
                if target.take_identity is not None and isinstance(identity, Mapping):
                    target.take_identity(identity)
                return {"composeId": target.target_id}
            case ("POST", "schedule.update"):
                return {"composeId": target.target_id}
            case ("POST", "compose.deploy"):
                self.deploy(target, payload.get("volumes"))
                return {"composeId": target.target_id, "status": "done"}
            case ("POST", "schedule.run"):
                seconds = payload.get("timeoutSeconds")
                limit = float(seconds) if isinstance(seconds, int | float) else None
                run = self.run_schedule(target, str(payload.get("mode")), limit)
                return {"exitCode": run.exit_code, "log": list(run.log)}
        raise ProviderError(f"The provider does not know {method} {path}.")

    def target(self, target_id: str) -> LocalTarget:
        """The live target with this id. Raises ProviderError when there is none."""
        try:
            return self.targets[target_id]
        except KeyError:
            raise ProviderError(f"The provider has no target {target_id!r}.") from None

    def deploy(self, target: LocalTarget, volumes: object) -> None:
        """Replace the containers, on other volumes where the call names some."""
        if target.stop is not None:
            target.stop()
        if isinstance(volumes, Mapping):
            if target.put_on_volumes is None:
                raise ProviderError(f"The target {target.name} has no volumes to be put on.")
            target.put_on_volumes(volumes)
        if target.start is not None:
            target.start()

    def run_schedule(
        self, target: LocalTarget, mode: str, time_limit: float | None = None
    ) -> ScheduleRun:
        """Stop the lane's Odoo, run the script, start it again.

        `time_limit` is in seconds. Raises ProviderError for an unknown mode.
        """
        if mode not in FLAGS:
            raise ProviderError(f"The provider has no schedule {mode!r}.")
        stopping = mode not in WITHOUT_A_STOP
        if stopping and target.stop is not None:
            target.stop()
        try:
            exit_code, log = run_child(
                (*target.command, *FLAGS[mode]), target.environment, time_limit, self.echo
            )
        finally:
            if stopping and target.start is not None:
                target.start()
        run = ScheduleRun(target.target_id, mode, exit_code, log)
        self.runs.append(run)
        return run


def run_child(
    command: Sequence[str],
    environment: Mapping[str, str],
    time_limit: float | None = None,
    echo: Callable[[str], None] | None = None,
) -> tuple[int, tuple[str, ...]]:
    """Run a program to its end; return its exit code and the last lines that it wrote.

    It is killed with all its children when `time_limit` seconds have passed, or when the
    caller is interrupted.
    """
    with subprocess.Popen(
        list(command),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as child:
        timer = threading.Timer(time_limit, kill_group, [child]) if time_limit else None
        if timer is not None:
            timer.start()
        try:
            log = tuple(keep_last(child.stdout or (), echo))
            exit_code = child.wait()
        except BaseException:
            kill_group(child)
            raise
        finally:
            if timer is not None:
                timer.cancel()
    return exit_code, log


def keep_last(lines: Iterable[str], echo: Callable[[str], None] | None) -> deque[str]:
    """Read all lines, keep the last ones."""
    kept: deque[str] = deque(maxlen=LOG_LINES)
    for line in lines:
        kept.append(line.rstrip("\n"))
        if echo is not None:
            echo(kept[-1])
    return kept


def kill_group(child: subprocess.Popen[str]) -> None:
    """End the child and everything that it started, which may outlive it."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
