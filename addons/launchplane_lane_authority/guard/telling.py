"""Telling a receipt: JSON on standard output, words and the one line on standard error."""

import os
import sys
from typing import Any, TextIO

from launchplane_lane_contracts.reading import LaneReading
from launchplane_lane_contracts.receipt import Receipt
from launchplane_lane_contracts.vocabulary import TagState


def tell(receipt: Receipt, note: str = "") -> None:
    """Write it to both streams; the note is the part of its message that no reason says."""
    try:
        text = receipt.canonical().decode()
    except ValueError:
        # The name of a file may hold bytes that are no UTF-8, which no JSON can say.
        receipt, note = Receipt.model_validate(_sayable(receipt.model_dump())), _sayable(note)
        text = receipt.canonical().decode()
    _write(sys.stdout, text)
    _write(sys.stderr, "\n".join((*_words(receipt, note), receipt.line())))


def _sayable(value: Any) -> Any:
    """The same with a question mark for every byte that is no UTF-8."""
    if type(value) is str:
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_sayable(key): _sayable(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_sayable(each) for each in value)
    return value


def _write(stream: TextIO | None, text: str) -> None:
    """Write a line to a stream, if anybody still listens there: what was done is done."""
    if stream is None:
        return
    try:
        stream.write(text + "\n")
        stream.flush()
    except OSError:
        # Python would try once more at its end, and answer another exit code than ours.
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


def _words(receipt: Receipt, note: str) -> list[str]:
    lines = [f"lane-authority-guard {receipt.command}: {receipt.outcome.replace('_', ' ')}"]
    if receipt.reasons:
        for each in receipt.reasons:
            lines += [f"  {each.code}: {each.message}", f"    way on: {each.remedy}"]
        lines += [f"  {text}" for text in note.splitlines()]
    else:
        lines += [f"  {text}" for text in receipt.message.splitlines()]
    if receipt.ran is not None:
        lines.append(f"  the command ended with exit code {receipt.ran.exit_code}")
    if receipt.set_aside is not None:
        lines.append(f"  set aside as {receipt.set_aside.name}")
    if receipt.reading is not None:
        lines += [f"  {words}" for words in (*_kept(receipt.reading), *_not_seen(receipt.reading))]
    return lines


def _kept(reading: LaneReading) -> list[str]:
    """What is kept on the lane's server, with its size and since when."""
    lines = []
    for each in reading.database.neighbours:
        if each.tag is None or each.tag.state is not TagState.KEPT or each.tag.lane != reading.lane:
            continue
        size = f", {each.size_bytes / 1e6:,.0f} MB" if each.size_bytes is not None else ""
        at = each.tag.set_aside_at
        since = f", set aside {at:%Y-%m-%d %H:%M} UTC" if at is not None else ""
        lines.append(f"kept: {each.name}, generation {each.tag.generation}{size}{since}")
    return lines


def _not_seen(reading: LaneReading) -> list[str]:
    """What could not be read, in words; the JSON holds the same."""
    problems = {
        "database": reading.database.problem,
        "marker": reading.database.marker_problem,
        "files": reading.filestore.problem,
        "files' tag": reading.filestore.tag_problem,
        "keep": reading.keep.problem,
        "lane's identity": reading.identity_problem,
    }
    return [f"the {what}: {problem}" for what, problem in problems.items() if problem]
