"""Says on standard error what is being waited for, once that takes more than a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console

SECONDS_WITHOUT_A_WORD = 1.0


@contextmanager
def waiting_for(what: str, *, quiet: bool) -> Iterator[None]:
    """Tell a person what is waited for; `quiet` where a program reads.

    A terminal gets a line that goes away again, a pipe one line.
    """
    if quiet:
        yield
        return
    console = Console(stderr=True, highlight=False)
    status = console.status(f"{what} ...")

    def tell() -> None:
        if console.is_terminal:
            status.start()
        else:
            console.print(f"{what} ...", markup=False, soft_wrap=True)

    timer = Timer(SECONDS_WITHOUT_A_WORD, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()
