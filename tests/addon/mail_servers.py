"""Servers for mail and the web, real ones, over TCP: they note what they are asked.

One takes all mail, two have mail to fetch, one takes whatever is sent over HTTP.
"""

import json
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

HOST = "127.0.0.1"
TEXT_MESSAGES = "/api/sms/3/send"
"""Where Odoo sends text messages to."""
PUSH = "/push"
"""Where a browser of these tests is to be told something."""


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


class MailFolder:
    """An IMAP server with one folder of mail, of which it says what was fetched and seen."""

    def __init__(self) -> None:
        self.connections = 0
        self.messages: list[bytes] = []
        self.fetched: Counter[int] = Counter()
        self.seen: set[int] = set()


class WebSink:
    """A web server that takes everything; it says how often each path was asked for."""

    def __init__(self) -> None:
        self.paths: Counter[str] = Counter()


class _Web(_Lines):
    def handle(self) -> None:
        _method, path, *_rest = self.rfile.readline().decode().split()
        length = 0
        while line := self.rfile.readline().decode().strip():
            name, _colon, value = line.partition(":")
            length = int(value) if name.lower() == "content-length" else length
        asked = self.rfile.read(length)
        self.server.world.paths[path] += 1
        answer = json.dumps({"result": _sent(asked) if path == TEXT_MESSAGES else {}})
        status = "201 Created" if path == PUSH else "200 OK"
        self.say(f"HTTP/1.1 {status}\r\nContent-Length: {len(answer)}\r\nConnection: close\r\n")
        self.wfile.write(answer.encode())


def _sent(asked: bytes) -> list[dict[str, object]]:
    """What the provider of text messages answers: each of them went out."""
    return [
        {"uuid": number["uuid"], "state": "success", "res_id": number["uuid"]}
        for message in json.loads(asked)["params"]["messages"]
        for number in message["numbers"]
    ]


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


class _Folder(_Lines):
    """As much of IMAP4rev1 as Odoo asks for; the answer to a command names its tag."""

    def handle(self) -> None:
        folder = self.server.world
        folder.connections += 1
        self.say("* OK folder")
        for tag, line in self.commands():
            command, _space, rest = line.partition(" ")
            self._answer(folder, command.upper(), rest)
            self.say(f"{tag} OK done")
            if command.upper() == "LOGOUT":
                return

    def _answer(self, folder: MailFolder, command: str, rest: str) -> None:
        numbers = range(1, len(folder.messages) + 1)
        if command == "CAPABILITY":
            self.say("* CAPABILITY IMAP4rev1")
        elif command == "SELECT":
            self.say(f"* {len(folder.messages)} EXISTS")
        elif command == "SEARCH":
            unseen = " ".join(str(each) for each in numbers if each not in folder.seen)
            self.say(f"* SEARCH {unseen}".rstrip())
        elif command == "FETCH":
            number = int(rest.split()[0])
            message = folder.messages[number - 1]
            folder.fetched[number] += 1
            # To fetch a message is to see it, as the protocol has it.
            folder.seen.add(number)
            self.say(f"* {number} FETCH (RFC822 {{{len(message)}}}")
            self.wfile.write(message)
            self.say(")")
        elif command == "STORE":
            which, how, _flags = rest.split(" ", 2)
            change = folder.seen.add if how.startswith("+") else folder.seen.discard
            change(int(which))
        elif command == "LOGOUT":
            self.say("* BYE")


@contextmanager
def mail_sink() -> Iterator[tuple[MailSink, int]]:
    """The sink and its port."""
    sink = MailSink()
    with _running(_Server(_Sink, sink)) as port:
        yield sink, port


@contextmanager
def web_sink() -> Iterator[tuple[WebSink, int]]:
    """The web server and its port."""
    sink = WebSink()
    with _running(_Server(_Web, sink)) as port:
        yield sink, port


@contextmanager
def mail_source() -> Iterator[tuple[MailSource, int]]:
    """The source and its port."""
    source = MailSource()
    with _running(_Server(_Source, source)) as port:
        yield source, port


@contextmanager
def mail_folder() -> Iterator[tuple[MailFolder, int]]:
    """The folder and its port."""
    folder = MailFolder()
    with _running(_Server(_Folder, folder)) as port:
        yield folder, port


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
