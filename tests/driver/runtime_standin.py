"""A runtime without Odoo: it answers the control plane's question from what really stands there.

It can be made to lie, to be silent, or to answer nonsense.
"""

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg2

from launchplane_lane_contracts.contract import RULEBOOK_VERSION, FilestorePath
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.orders import WitnessOrder
from launchplane_lane_contracts.reading import RuntimeReading
from launchplane_lane_guard.database import connected, query_through
from launchplane_lane_guard.filestore import read_tag
from launchplane_lane_guard.lane_reading import read_database
from launchplane_lane_guard.settings import GuardSettings, settings_from_environment
from launchplane_lane_guard.tokens import PublicKeys
from tests.real.postgres import free_port

PATH = "/launchplane/lane-authority"
Lie = Callable[[RuntimeReading], RuntimeReading]
RawAnswer = Callable[[BaseHTTPRequestHandler], None]


class RuntimeStandIn:
    """One lane's runtime, on a port of its own."""

    def __init__(self, environment: Callable[[], Mapping[str, str]]) -> None:
        self._environment = environment
        self.port = free_port()
        self.lie: Lie | None = None
        """Changes what it says."""
        self.raw: RawAnswer | None = None
        """Answers in its place, whatever that is."""
        self.questions: list[WitnessOrder | None] = []
        """The orders that it was shown; None for a question without a good one."""
        self._server: ThreadingHTTPServer | None = None

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Answer from now on."""
        if self._server is not None:
            return
        runtime = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                runtime.answer(self)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                return

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                return

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Be silent from now on."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """One answer: to the control plane about this lane, and to nobody else."""
        settings = settings_from_environment(self._environment())
        order = self._order(handler.headers.get("Authorization", ""), settings)
        self.questions.append(order)
        if self.raw is not None:
            self.raw(handler)
            return
        if handler.path != PATH or order is None or order.lane != settings.lane:
            send(handler, b"", status=401)
            return
        reading = read_runtime(settings)
        send(handler, (self.lie(reading) if self.lie else reading).canonical())

    def _order(self, authorization: str, settings: GuardSettings) -> WitnessOrder | None:
        try:
            keys = PublicKeys.from_file(settings.public_keys)
            return keys.witness_order(authorization.removeprefix("Bearer "))
        except Refused:
            return None


def read_runtime(settings: GuardSettings) -> RuntimeReading:
    """What an Odoo there would see at this moment."""
    database = read_database(settings)
    tag, _problem = read_tag(Path(settings.filestore))
    row = database.marker_row
    return RuntimeReading(
        runtime_identity=settings.identity,
        identity=database.identity(),
        marker_generation=row.generation if row else None,
        filestore_path=FilestorePath(str(settings.filestore)),
        filestore_tag=tag,
        registry_loaded=bool(database.holds_relations),
        neutralised=is_neutralised(settings),
        stays_listed_when_locked=True,
        addon_version="19.0.1.0.0",
        rulebook_version=RULEBOOK_VERSION,
    )


def is_neutralised(settings: GuardSettings) -> bool:
    """Whether the database says so, where it is an Odoo's."""
    try:
        with connected(settings, settings.database) as connection:
            rows = query_through(connection)(
                "SELECT value FROM public.ir_config_parameter "
                "WHERE key = 'database.is_neutralized'",
                (),
            )
    except psycopg2.Error:
        return False
    return rows == [("true",)]


def send(handler: BaseHTTPRequestHandler, content: bytes, status: int = 200) -> None:
    """A whole answer."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
