"""A question that ends in time, whatever the one who is asked does."""

import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def in_time(seconds: float, question: Callable[[], Answer]) -> Answer | None:
    """The answer; None where there was none after `seconds`. It is then left to end by itself.

    The question raises nothing.
    """
    found: list[Answer] = []
    asking = threading.Thread(target=lambda: found.append(question()), daemon=True)
    asking.start()
    asking.join(seconds)
    return found[0] if found else None
