"""Many things in handfuls, so that no more than one handful is held at once."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Each = TypeVar("Each")


def in_batches(things: Iterable[Each], size: int) -> Iterator[list[Each]]:
    """Lists of at most `size`, in their order."""
    left = iter(things)
    while some := list(islice(left, size)):
        yield some
