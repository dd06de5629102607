"""A connection pooler in transaction mode, as small as it can be.

Clients log in as they would at the server; after that each of their messages is served by whatever
session is free, and a session is given back when its transaction ends. Like the pooler that is met
most, it makes up the number of the process that it tells a client at login.
"""

import socket
import struct
import threading
from types import TracebackType
from typing import Self

READY, PROCESS_NUMBER = b"Z", b"K"
MADE_UP = struct.pack("!II", 424242, 1)


class TransactionPooler:
    """A context manager; `port` is where it listens on 127.0.0.1.

    Without `shares` it leaves each client its own session, as a pooler in session mode does.
    """

    def __init__(self, server: tuple[str, int], *, shares: bool = True) -> None:
        self.server = server
        self.shares = shares
        self.idle: dict[bytes, list[socket.socket]] = {}
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.opened: list[socket.socket] = [self.listener]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self.lock:
            for each in self.opened:
                each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            start = _startup(client)
            while start[4:8] in (b"\x04\xd2\x16/", b"\x04\xd2\x160"):
                # Neither encryption.
                client.sendall(b"N")
                start = _startup(client)
            server = socket.create_connection(self.server)
            with self.lock:
                self.opened += [client, server]
            self._log_in(client, server, start)
            self._give_back(start, server)
            while True:
                message = _message(client)
                if message[:1] == b"X":
                    return
                if not self.shares:
                    self._transaction(client, server, message)
                    continue
                with self.lock:
                    # The session that was free last comes first.
                    session = self.idle[start].pop() if self.idle[start] else None
                if session is None:
                    return
                self._transaction(client, session, message)
                self._give_back(start, session)
        except OSError:
            return

    def _log_in(self, client: socket.socket, server: socket.socket, start: bytes) -> None:
        server.sendall(start)
        while True:
            answer = _message(server)
            if answer[:1] == PROCESS_NUMBER:
                answer = answer[:5] + MADE_UP
            client.sendall(answer)
            if answer[:1] == READY:
                return
            if answer[:1] == b"R" and answer[5:9] not in (b"\0\0\0\0", b"\0\0\0\x0c"):
                server.sendall(_message(client))

    def _transaction(self, client: socket.socket, session: socket.socket, message: bytes) -> None:
        while True:
            session.sendall(message)
            while True:
                answer = _message(session)
                client.sendall(answer)
                if answer[:1] == READY:
                    break
            if answer[5:6] == b"I":
                return
            message = _message(client)

    def _give_back(self, start: bytes, session: socket.socket) -> None:
        with self.lock:
            self.idle.setdefault(start, []).append(session)


def _exactly(source: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = source.recv(count - len(found))
        if not part:
            raise OSError("the other side has gone")
        found += part
    return found


def _startup(source: socket.socket) -> bytes:
    size = _exactly(source, 4)
    return size + _exactly(source, int.from_bytes(size) - 4)


def _message(source: socket.socket) -> bytes:
    head = _exactly(source, 5)
    return head + _exactly(source, int.from_bytes(head[1:]) - 4)
