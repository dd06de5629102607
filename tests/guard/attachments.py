"""Files as Odoo keeps them: each named by its SHA-1, each with a row that names it."""

import hashlib
from typing import Any, TypeVar

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.filestore_check import (
    FilestoreCheck,
    FilestoreRepair,
    ShadowRefresh,
)
from tests.guard import child
from tests.guard.estate import Estate

AnswerType = TypeVar("AnswerType", bound=Contract)


def name_of(content: bytes) -> str:
    """The name that Odoo gives to this content."""
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return f"{digest[:2]}/{digest}"


def attach(lane: Estate, count: int, words: str = "file") -> list[str]:
    """Give the lane this many attachments; the names of their files."""
    contents = [f"{words} {number}".encode() for number in range(count)]
    for content in contents:
        path = lane.filestore / name_of(content)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    names = [name_of(content) for content in contents]
    for start in range(0, count, 10_000):
        rows = ", ".join(f"('{name}', '{name}')" for name in names[start : start + 10_000])
        lane.execute(f"INSERT INTO ir_attachment (name, store_fname) VALUES {rows}", lane.database)
    return names


def forget_odd_names(lane: Estate) -> None:
    """Take away the rows whose files have names that Odoo would not give."""
    lane.execute("DELETE FROM ir_attachment WHERE store_fname !~ '[0-9a-f]{40}$'", lane.database)


def collect(lane: Estate, *names: str) -> None:
    """What Odoo's garbage collection does with files that no row names any more."""
    for name in names:
        lane.execute(f"DELETE FROM ir_attachment WHERE store_fname = '{name}'", lane.database)
        (lane.filestore / name).unlink()


def run(lane: Estate, action: str, **changed: str | None) -> child.Answer:
    """`filestore` with one of its actions."""
    answer = child.start(["filestore", action], b"", lane.environment(**changed)).wait()
    assert "Traceback" not in answer.words, answer.words
    return answer


def result(answer: child.Answer, model: type[AnswerType]) -> AnswerType:
    """What it answered."""
    assert answer.receipt is not None
    found: Any = answer.receipt.result
    assert found is not None, answer.words
    return model.from_plain(found)


def done(lane: Estate, action: str, model: type[AnswerType]) -> AnswerType:
    """The same of a run that must succeed."""
    answer = run(lane, action)
    assert answer.exit_code == 0, answer.words
    return result(answer, model)


def check(lane: Estate) -> FilestoreCheck:
    """What `filestore check` found, complete or not."""
    return result(run(lane, "check"), FilestoreCheck)


def refresh(lane: Estate) -> ShadowRefresh:
    """A refresh that must succeed."""
    return done(lane, "refresh", ShadowRefresh)


def repair(lane: Estate) -> FilestoreRepair:
    """A repair that must put everything back."""
    return done(lane, "repair", FilestoreRepair)
