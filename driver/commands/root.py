"""The command group that holds all the others."""

from pathlib import Path

import click

from .. import __version__
from .approvers_commands import approvers
from .audit_commands import audit
from .backup_commands import backup
from .bundle_command import guard_bundle
from .clock_commands import clock
from .decide_command import decide
from .doctor_command import doctor
from .drill_command import drill_command
from .host_commands import approve, init
from .keys_commands import keys
from .lane_commands import lane, lanes
from .launchplane_commands import launchplane
from .lives_commands import lives_commands
from .materialise_command import materialise
from .notify_command import notify
from .policy_commands import policy
from .rebuild_commands import (
    abort,
    authorize,
    finish,
    plan,
    retry,
    settle,
    start,
    undo,
)
from .reconcile_command import reconcile
from .serve_command import serve
from .tenant_commands import tenant


class InOrder(click.Group):
    """Lists its commands in the order in which they are used, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, as they were added."""
        return list(self.commands)


@click.group(
    cls=InOrder,
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


for command in (
    init,
    doctor,
    approvers,
    policy,
    approve,
    *lives_commands,
    plan,
    authorize,
    materialise,
    start,
    finish,
    undo,
    abort,
    retry,
    settle,
    backup,
    drill_command,
    lanes,
    lane,
    audit,
    keys,
    notify,
    reconcile,
    clock,
    serve,
    decide,
    launchplane,
    tenant,
    guard_bundle,
):
    lane_authority.add_command(command)
