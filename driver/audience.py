"""Who is told of what happens, where the surroundings say so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from .notice import Notice


class Audience(Protocol):
    """Whoever can be told."""

    def listeners(self) -> tuple[Callable[[Notice], object], ...]:
        """Each listener by itself."""


_AUDIENCE: ContextVar[Audience | None] = ContextVar("audience", default=None)


@contextmanager
def told_to(audience: Audience) -> Iterator[None]:
    """Who is told of what happens in here."""
    token = _AUDIENCE.set(audience)
    try:
        yield
    finally:
        _AUDIENCE.reset(token)


def audience_here() -> Audience | None:
    """Who is told of what happens here; None where nobody said so."""
    return _AUDIENCE.get()
