"""Telling people, never in the way: failing, slow or absent listeners change nothing."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from .audience import audience_here
from .host import DriverHost
from .notice import Notice

PATIENCE_SECONDS = 2.0
"""How long a process waits at its end for those who are still being told, all together."""

MOST_AT_ONCE = 64
"""How many may be being told at once; whoever is slow misses what comes beyond that."""


class Teller:
    """Tells each notice to each listener, in threads that nobody waits for longer than a moment."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self._audience = audience_here()
        self._patience = patience
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def tell(self, notice: Notice) -> None:
        """Begin to tell. Returns at once and raises nothing."""
        self._start(lambda: self._to_everybody(notice))

    def wait(self) -> None:
        """Give those who are still being told a moment, and no more."""
        until = time.monotonic() + self._patience
        while True:
            with self._lock:
                running = [each for each in self._threads if each.is_alive()]
            left = until - time.monotonic()
            if not running or left <= 0:
                return
            running[0].join(left)

    def _to_everybody(self, notice: Notice) -> None:
        audience = self._audience or DriverHost.from_entry_points()
        for listener in audience.listeners():
            self._start(lambda listener=listener: listener(notice))  # type: ignore[misc]

    def _start(self, work: Callable[[], object]) -> None:
        def quietly() -> None:
            # Whatever foreign code raises, SystemExit too: the operation is long over.
            with suppress(BaseException):
                work()

        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()]
            if len(self._threads) >= MOST_AT_ONCE:
                return
            thread = threading.Thread(target=quietly, daemon=True, name="lane-authority-notice")
            with suppress(RuntimeError):
                thread.start()
                self._threads.append(thread)
