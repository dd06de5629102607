"""`serve`: the lanes and plans for operators' screens, over HTTP."""

import ipaddress
from pathlib import Path

import click
from rich.markup import escape

from launchplane_lane_contracts.errors import BadInput

from ..host import DriverHost
from .shared import as_person, host_of, say

TOKENS = "http-tokens"
"""The file in the host directory that says whose tokens count."""


@click.command()
@click.option("--listen", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@click.option(
    "--tokens",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Whose tokens count; `{TOKENS}` in the host directory by default.",
)
@click.option("--new-token", metavar="PERSON", help="Print a token of this person, and stop.")
@click.pass_context
def serve(
    context: click.Context, listen: str, port: int, tokens: Path | None, new_token: str | None
) -> None:
    """Serve the lanes and plans over HTTP, until it is stopped.

    It reads and plans, and changes no lane. Each request carries a bearer token; on another address
    than loopback put a server with TLS in front of it.
    """
    from werkzeug.serving import make_server

    from ..web.application import Application
    from ..web.tokens import Tokens
    from ..web.tokens import new_token as make_token

    if new_token is not None:
        token, line = make_token(as_person(new_token))
        click.echo(token)
        click.echo(f"Add this line to the tokens file; the token is not kept:\n{line}", err=True)
        return
    host = host_of(context)
    accepted = Tokens.from_file(tokens or host.path / TOKENS)
    application = Application(host, DriverHost.from_entry_points(), accepted)
    try:
        server = make_server(listen, port, application, threaded=True)
    except (OSError, SystemExit, ValueError, UnicodeError):
        raise BadInput(f"Port {port} of {listen} cannot be listened on. Name another.") from None
    say(escape(f"Serving on http://{listen}:{server.port}/v1/openapi.json until Ctrl-C."))
    if not _is_loopback(listen):
        say("[yellow]Others can reach it: put a server with TLS in front of it.[/]")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        server.server_close()


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
