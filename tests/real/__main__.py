"""`python -m tests.real`: prepare what the tests need, look at it, or run a server."""

import argparse
import signal
import sys
from collections.abc import Sequence

from tests.real.debian import BROWSER, provide
from tests.real.doctor import examine
from tests.real.errors import RealPartMissing
from tests.real.odoo import find_odoo
from tests.real.postgres import PrivateCluster
from tests.real.progress import say
from tests.real.template import WITH_MAIL, odoo_template


def prepare(arguments: argparse.Namespace) -> int:
    """Fetch and make everything once; quick when all of it is there."""
    provide(browser=arguments.browser)
    odoo = find_odoo()
    template = odoo_template(odoo)
    # A second one, for the tests of what must not leave a copy.
    odoo_template(odoo, WITH_MAIL)
    say(f"Odoo {odoo.version} and its template databases are ready in {template.folder.parent}.")
    return 0


def doctor(arguments: argparse.Namespace) -> int:
    """Say what is there and what is missing; change nothing."""
    return examine(browser=arguments.browser)


def postgres(arguments: argparse.Namespace) -> int:
    """Run one private server until it is interrupted."""
    with PrivateCluster(version=arguments.version) as cluster:
        if arguments.template:
            odoo_template(version=arguments.version).restore(cluster)
        print(f"PostgreSQL {cluster.version} runs until you press Ctrl-C. Connect with:")
        for role in (cluster.superuser, cluster.odoo):
            print(
                f"    PGPASSWORD={role.password} {cluster.binaries / 'psql'} "
                f"-h {cluster.host} -p {cluster.port} -U {role.name} postgres"
            )
        sys.stdout.flush()
        try:
            while True:
                signal.pause()
        except KeyboardInterrupt:
            say("Stopping the server.")
    return 0


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What the caller wants."""
    parser = argparse.ArgumentParser(prog="python -m tests.real", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, action in (("prepare", prepare), ("doctor", doctor)):
        command = commands.add_parser(name, help=action.__doc__)
        command.add_argument("--browser", action="store_true", help=BROWSER.purpose)
        command.set_defaults(action=action)
    command = commands.add_parser("postgres", help=postgres.__doc__)
    command.add_argument("--version", help="the major version, such as 15, 16 or 18")
    command.add_argument(
        "--template", action="store_true", help="with the Odoo template database in it"
    )
    command.set_defaults(action=postgres)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what can't be had is said in a sentence, not as a traceback."""
    wanted = read_arguments(arguments)
    # Asked to end is the same as Ctrl-C: what was begun is taken down on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return int(wanted.action(wanted))
    except RealPartMissing as missing:
        say(str(missing))
        return 1
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
