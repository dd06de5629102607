"""The command group that holds all the others. A command's own file is read when it is needed."""

from collections.abc import Iterator, MutableMapping
from pathlib import Path

import click

from .. import __version__

COMMANDS: dict[str, str] = {
    "init": "Make the host directory, its key and its store.",
    "doctor": "Try every part of the host and of one lane or all, and say for each what to do.",
    "approvers": "Whose signatures count, and how many are asked for.",
    "policy": "What may be done to each lane's data.",
    "approve": "Show exactly what DIGEST stands for, and sign it.",
    "enrol": "Record what stands at a lane's place as its data.",
    "adopt": "Take what stands at a lane's own place as its data again.",
    "restamp": "Sign a lane's marker again with the present key.",
    "lower": "Lower the marker of a lane's data to what the policy in force says.",
    "lost": "Declare a lane's data lost, and keep what can be reached of it.",
    "retire": "End a lane: keep its data, and allow nothing on it any more.",
    "moved": "Record that a lane's data stands on another server from now on.",
    "copy": "Accept what stands at a lane's place as a copy of another lane's data.",
    "release": "Drop KEPT data of a lane.",
    "kept-data": "Kept data, opened for reading and closed again.",
    "plan": "Say what a rebuild would do, and whether it may.",
    "authorize": "Decide again, and claim the lane for a plan.",
    "materialise": "Restore the source beside the lane, and verify it.",
    "start": "Decide again, and have the old data set aside.",
    "finish": "Check what came, and settle.",
    "undo": "Put the old data back, or give a claim up.",
    "abort": "Take a begin back, as long as nothing came.",
    "retry": "Do an unfinished operation once more.",
    "settle": "End an operation under which the data stayed.",
    "backup": "Capture data, prove that it can be had back, see what there is.",
    "drill": "Capture and prove what is due, of all lanes that require it or of LANE.",
    "lanes": "Every lane, in a table.",
    "lane": "One lane in full: every fact with its trust, and for every request yes or why not.",
    "audit": "Every decision, signature, permit and effect, in order.",
    "keys": "The key that signs, the one after it, and those before it.",
    "notify": "Tell people of lanes that end soon and rebuilds that were left.",
    "reconcile": "Bring a store that was lost or put back in line with the lanes.",
    "clock": "The host's clock, where it was wrong.",
    "serve": "Serve the lanes and plans over HTTP, until it is stopped.",
    "decide": "What-if: decide the cases in FILE, one a line, each by itself.",
    "launchplane": "What Launchplane records, taken over by our rules.",
    "tenant": "What a tenant's repository declares of its lanes.",
    "guard-bundle": (
        "Make one file with the guard and all that it needs, for one Python and platform."
    ),
}
"""Each command's own first words, in the order in which they are used."""


def _read(name: str) -> click.Command:
    """Import the file of a command. Raises KeyError for a name that is none."""
    found: tuple[click.Command, ...] = ()
    match name:
        case "init" | "approve":
            from .host_commands import approve, init

            found = (approve, init)
        case "doctor":
            from .doctor_command import doctor

            found = (doctor,)
        case "approvers":
            from .approvers_commands import approvers

            found = (approvers,)
        case "policy":
            from .policy_commands import policy

            found = (policy,)
        case "plan" | "authorize" | "start" | "finish" | "undo" | "abort" | "retry" | "settle":
            from .rebuild_commands import abort, authorize, finish, plan, retry, settle, start, undo

            found = (abort, authorize, finish, plan, retry, settle, start, undo)
        case "materialise":
            from .materialise_command import materialise

            found = (materialise,)
        case "backup":
            from .backup_commands import backup

            found = (backup,)
        case "drill":
            from .drill_command import drill_command

            found = (drill_command,)
        case "lanes" | "lane":
            from .lane_commands import lane, lanes

            found = (lane, lanes)
        case "audit":
            from .audit_commands import audit

            found = (audit,)
        case "keys":
            from .keys_commands import keys

            found = (keys,)
        case "notify":
            from .notify_command import notify

            found = (notify,)
        case "reconcile":
            from .reconcile_command import reconcile

            found = (reconcile,)
        case "clock":
            from .clock_commands import clock

            found = (clock,)
        case "serve":
            from .serve_command import serve

            found = (serve,)
        case "decide":
            from .decide_command import decide

            found = (decide,)
        case "launchplane":
            from .launchplane_commands import launchplane

            found = (launchplane,)
        case "tenant":
            from .tenant_commands import tenant

            found = (tenant,)
        case "guard-bundle":
            from .bundle_command import guard_bundle

            found = (guard_bundle,)
        case _:
            from .lives_commands import lives_commands

            found = lives_commands
    try:
        return next(each for each in found if each.name == name)
    except StopIteration:
        raise KeyError(name) from None


class InTheirFiles(MutableMapping[str, click.Command]):
    """The commands by name, each imported when somebody asks for it."""

    def __init__(self) -> None:
        self._added: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        """The command. Raises KeyError for a name that is none."""
        if name not in self._added:
            self._added[name] = _read(name)
        return self._added[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        """Add another one."""
        self._added[name] = command

    def __delitem__(self, name: str) -> None:
        """Take one away that was added."""
        del self._added[name]

    def __iter__(self) -> Iterator[str]:
        """All names, in their order."""
        return iter({**COMMANDS, **self._added})

    def __len__(self) -> int:
        """How many there are."""
        return len({**COMMANDS, **self._added})


class InOrder(click.Group):
    """Lists its commands in the order in which they are used, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, as they were added."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without importing what is in it."""
        room = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, click.Command(name, help=words).get_short_help_str(room))
                    for name, words in COMMANDS.items()
                ]
            )


@click.group(
    cls=InOrder,
    commands=InTheirFiles(),
    help="Decides, on the record, what may be done to an Odoo lane's data.",
    epilog="Exit codes: 0 done, 2 usage or bad input, 50 refused, 51 could not tell, 52 busy.",
)
@click.option(
    "--host-directory",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="LANE_AUTHORITY_HOST_DIRECTORY",
    show_envvar=True,
    help="Where keys, configuration and store are; ~/.config/lane-authority by default.",
)
@click.version_option(__version__, prog_name="lane-authority")
def lane_authority(host_directory: Path | None) -> None:
    """Hold the options that all commands share; the commands read them from the context."""
