"""A page's commands are typed one after another, exactly as they stand there."""

import re
import shlex
import subprocess
from collections.abc import Iterable

from tests.driver.fork_server import Done
from tests.driver.small_host import ANN, BEN, RITA, SmallHost
from tests.typed_pages import Page

PEOPLE = {"alice": RITA, "bob": ANN, "carol": BEN, "rita": RITA}
"""Who stands in the pages for whom of the tests."""
PRINTED = {
    "DIGEST": re.compile(r"(?:^Digest:\s+|--digest |apply )([0-9a-f]{64})\b", re.MULTILINE),
    "OPERATION": re.compile(r"\b(op-[0-9a-f]{16})\b"),
}
INTO_A_FILE = re.compile(r"(.*?)(?: (>>?) (\S+))?")
KEYS = ("~/.ssh/id_ed25519", "YOUR_SSH_KEY")
"""What stands in a page for the key of whoever signs."""


class Typed(Page):
    """A page that an operator types on a host."""

    def __init__(self, host: SmallHost, lines: Iterable[str], **known: str) -> None:
        super().__init__(lines)
        self.host = host
        self.known = known
        """What the placeholders stand for at present."""
        self.environment: dict[str, str] = {}
        """Variables beside those that an operator has."""

    def type(self, command: str, code: int = 0, *, ago: float = 0, signer: str = RITA) -> str:
        """Type the next command, which must be this one; what it said, on both streams.

        It was typed `ago` seconds ago. Where it signs, `signer` does.
        """
        line = self.left.pop(0)
        words, arrow, file = INTO_A_FILE.fullmatch(line).groups(default="")  # type: ignore[union-attr]
        typed = shlex.split(words)[1:]
        assert " ".join(typed).startswith(command), line
        arguments = self._arguments(typed, signer)
        if line.startswith("lane-authority-guard"):
            done = self._in_the_lane(*arguments)
        elif ago:
            done = self.host.operated(ago, *arguments)
        else:
            done = self.host.operate(*arguments, **self.environment)
        said = done.stdout + done.stderr
        assert done.code == code, (line, said)
        assert "Traceback" not in said
        if file:
            with (self.host.folder / file).open("a" if arrow == ">>" else "w") as opened:
                opened.write(done.stdout)
        for name, pattern in PRINTED.items():
            found = pattern.findall(said)
            if found:
                self.known[name] = found[-1]
        return " ".join(said.split())

    def type_all(self, *commands: str) -> None:
        """Type the next commands, each of which does what it says."""
        for each in commands:
            self.type(each)

    def signed_by(self, *people: str) -> None:
        """Type the next command, which signs; each of these types it with a key of their own."""
        line = self.left[0]
        for person in people:
            self.left.insert(0, line)
            self.type("approve", signer=person)
        self.left.remove(line)

    def _in_the_lane(self, *arguments: str) -> Done:
        (lane,) = self.host.lanes.values()
        ran = subprocess.run(
            [str(lane.guard), *arguments], check=False, capture_output=True, text=True
        )
        return Done(ran.returncode, ran.stdout, ran.stderr)

    def _arguments(self, words: list[str], signer: str) -> list[str]:
        found = []
        for word in words:
            person = PEOPLE.get(word.rpartition("/")[2])
            if word in KEYS:
                found += [str(self.host.people[signer].key_file), "--yes"]
            elif person is not None and word.startswith("~/.ssh/"):
                found += [str(self.host.people[person].key_file), "--yes"]
            elif person is not None:
                found.append(person)
            elif word.endswith((".toml", ".json", ".jsonl")):
                found.append(str(self.host.folder / word))
            else:
                found.append(self.known.get(word, word))
        return found
