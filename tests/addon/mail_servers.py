"""A mail server that takes everything, and one that has mail to fetch: real ones, over TCP."""

import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

HOST = "127.0.0.1"


class _Server(socketserver.ThreadingTCPServer):
    """One thread a connection; it says how many there were."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, handler: type[socketserver.StreamRequestHandler], world: Any) -> None:
        super().__init__((HOST, 0), handler)
        self.world = world


class _Lines(socketserver.StreamRequestHandler):
    """What both have in common: lines in, lines out."""

    server: _Server

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def commands(self) -> Iterator[tuple[str, str]]:
        """Each line as a command and its arguments, until the client goes."""
        while line := self.rfile.readline():
            command, _space, rest = line.decode().strip().partition(" ")
            yield command.upper(), rest


class MailSink:
    """An SMTP server that keeps what it is given."""

    def __init__(self) -> None:
        self.connections = 0
        self.subjects: Counter[str] = Counter()


class MailSource:
    """A POP3 server with a box of mail."""

    def __init__(self) -> None:
        self.connections = 0
        self.box: list[bytes] = []


class _Sink(_Lines):
    def handle(self) -> None:
        sink = self.server.world
        sink.connections += 1
        self.say("220 sink")
        for command, _rest in self.commands():
            if command == "DATA":
                self.say("354 go on")
                sink.subjects[str(message_from_bytes(self._message())["Subject"])] += 1
            elif command == "QUIT":
                self.say("221 bye")
                return
            self.say("250 ok")

    def _message(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)


class _Source(_Lines):
    def handle(self) -> None:
        source = self.server.world
        source.connections += 1
        self.say("+OK source")
        gone: set[int] = set()
        for command, rest in self.commands():
            if command == "STAT":
                self.say(f"+OK {len(source.box)} {sum(map(len, source.box))}")
                continue
            self.say("+OK")
            if command == "LIST":
                for number, message in enumerate(source.box, 1):
                    self.say(f"{number} {len(message)}")
                self.say(".")
            elif command == "RETR":
                self.wfile.write(source.box[int(rest) - 1])
                self.say(".")
            elif command == "DELE":
                gone.add(int(rest))
            elif command == "QUIT":
                source.box = [each for n, each in enumerate(source.box, 1) if n not in gone]
                return


@contextmanager
def mail_sink() -> Iterator[tuple[MailSink, int]]:
    """The sink and its port."""
    sink = MailSink()
    with _running(_Server(_Sink, sink)) as port:
        yield sink, port


@contextmanager
def mail_source() -> Iterator[tuple[MailSource, int]]:
    """The source and its port."""
    source = MailSource()
    with _running(_Server(_Source, source)) as port:
        yield source, port


@contextmanager
def _running(server: _Server) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
