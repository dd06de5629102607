"""The command that reads all of a database's content."""

from argparse import ArgumentParser

from ..fingerprint import DEFAULT_WORKERS, MOST_WORKERS
from ..lane_fingerprint import fingerprint_lane
from .command import Answer, Call, Command


def _fingerprint(call: Call) -> Answer:
    chosen = call.arguments
    found = fingerprint_lane(
        call.settings, chosen.database, snapshot=chosen.snapshot, workers=chosen.workers
    )
    return Answer(
        result=found.to_plain(),
        message=f"{found.database}: {len(found.tables)} tables with {found.rows} rows, content "
        f"{found.digest()}",
    )


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--database",
        metavar="NAME",
        help="the lane's own database, or one that it keeps and that is open for reading",
    )
    parser.add_argument(
        "--snapshot",
        metavar="ID",
        help="a snapshot that was exported in that database and is still held",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=DEFAULT_WORKERS,
        metavar="N",
        help=f"sessions that read at the same time, 1 to {MOST_WORKERS} (%(default)s)",
    )


COMMANDS = (
    Command(
        "fingerprint",
        "read every row, and say what the database holds in a form that can be compared",
        _fingerprint,
        add_arguments=_arguments,
    ),
)
