"""One night of the page: its commands are typed one after another, exactly as they stand there."""

import re
import shlex
from pathlib import Path
from types import TracebackType
from typing import Self

from launchplane_lane_contracts.vocabulary import MarkerState
from launchplane_lane_driver.lane_view import lane_view
from tests.driver.small_host import ANN, BEN, RITA, SmallHost, SmallLane

PAGE = Path(__file__).parents[3] / "docs" / "nights.md"
PEOPLE = {"alice": RITA, "bob": ANN, "carol": BEN}
"""Who stands in the page for whom of the tests."""
PRINTED = {
    "DIGEST": re.compile(r"(?:^Digest:\s+|--digest |apply )([0-9a-f]{64})\b", re.MULTILINE),
    "OPERATION": re.compile(r"\b(op-[0-9a-f]{16})\b"),
}


def nights() -> dict[str, list[str]]:
    """The commands of each night, by its heading."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        each.splitlines()[0]: re.findall(r"^    (lane-authority .*)$", each, re.MULTILINE)
        for each in sections
    }


class Night:
    """A context manager; at its end every command of the night must have been typed."""

    def __init__(self, host: SmallHost, heading: str, **known: str) -> None:
        self.host = host
        self.left = nights()[heading]
        self.known = known
        """What the placeholders stand for at present."""

    def __enter__(self) -> Self:
        """The night begins."""
        assert self.left
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See that nothing of the page was left out."""
        if problem is None:
            assert self.left == []

    def type(self, command: str, code: int = 0, *, ago: float = 0) -> str:
        """Type the next command, which must be this one; what it said, on both streams.

        It was typed `ago` seconds ago.
        """
        line = self.left.pop(0)
        words = shlex.split(line)
        assert " ".join(words[1:]).startswith(command), line
        arguments = self._arguments(words[1:])
        done = self.host.operated(ago, *arguments) if ago else self.host.operate(*arguments)
        said = done.stdout + done.stderr
        assert done.code == code, (line, said)
        assert "Traceback" not in said
        for name, pattern in PRINTED.items():
            found = pattern.findall(said)
            if found:
                self.known[name] = found[-1]
        return " ".join(said.split())

    def type_all(self, *commands: str) -> None:
        """Type the next commands, each of which does what it says."""
        for each in commands:
            self.type(each)

    def _arguments(self, words: list[str]) -> list[str]:
        found = []
        for word in words:
            person = PEOPLE.get(word.rpartition("/")[2])
            if person is not None and word.startswith("~/.ssh/"):
                found += [str(self.host.people[person].key_file), "--yes"]
            elif person is not None:
                found.append(person)
            elif word.endswith(".toml"):
                found.append(str(self.host.folder / word))
            else:
                found.append(self.known.get(word, word))
        return found


def in_order(host: SmallHost, lane: SmallLane) -> bool:
    """Whether the lane is settled: marker, files, record, ledger, and every begin has its end."""
    seen = lane_view(host.office, lane.lane)
    host.office.store.verify_ledger()
    begun = sorted(each.name for each in (lane.keep / "begun").glob("*"))
    ended = sorted(each.parent.name for each in (lane.keep / "begun").glob("*/ended"))
    return (
        seen.marker.value is MarkerState.BOUND
        and seen.filestore.value == "ours"
        and seen.unfinished is None
        and begun == ended
    )
