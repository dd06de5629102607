"""A stand-in for Launchplane's HTTP API: product profiles and backup gates, by bearer token."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit


class LaunchplaneApi:
    """What it serves, and how badly it behaves."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.records: dict[str, list[dict[str, Any]]] = {"product-profiles": [], "backup-gates": []}
        self.page_size = 2
        self.failures: list[int] = []
        """Status codes that the next requests are answered with, before any good answer."""
        self.next_page: str | None = None
        """What is told as the next page instead of the true one."""
        self.body: bytes | None = None
        """What is answered instead of JSON."""
        self.requests: list[tuple[str, str]] = []
        self.address = ""

    def answer(self, path: str) -> tuple[int, object]:
        """The status and the document for one path."""
        parts = urlsplit(path)
        _nothing, _version, kind, *names = parts.path.split("/")
        found = self.records.get(kind)
        if found is None:
            return 404, {}
        if names:
            one = [each for each in found if each.get("product") == names[0]]
            return (200, one[0]) if one else (404, {})
        start = int(parse_qs(parts.query).get("from", ["0"])[0])
        page: dict[str, object] = {"items": found[start : start + self.page_size]}
        if start + self.page_size < len(found):
            page["next"] = self.next_page or f"/v1/{kind}?from={start + self.page_size}"
        return 200, page


@contextmanager
def serving(api: LaunchplaneApi) -> Iterator[LaunchplaneApi]:
    """Serve it on this machine for a while."""

    class Handler(BaseHTTPRequestHandler):
        served: ClassVar[LaunchplaneApi] = api

        def do_GET(self) -> None:
            api.requests.append((self.path, self.headers.get("Authorization", "")))
            status, document = api.answer(self.path)
            if api.failures:
                status, document = api.failures.pop(0), {}
            elif self.headers.get("Authorization") != f"Bearer {api.token}":
                status, document = 401, {}
            content = api.body or json.dumps(document).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://elsewhere.example/")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_words: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
