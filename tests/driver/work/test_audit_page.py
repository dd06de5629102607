"""docs/audit.md is typed as it stands there."""

import re
import shlex
from pathlib import Path

from launchplane_lane_driver.notice import NoticeKind
from tests.driver.small_host import SmallHost, SmallLane, untouched

PAGE = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")


def test_its_commands(host: SmallHost, lane: SmallLane) -> None:
    host.rebuild(lane)
    said = {}
    with untouched(lane):
        for line in re.findall(r"^    (lane-authority .*)$", PAGE, re.MULTILINE):
            words, _arrow, file = line.partition(" > ")
            known = [
                str(host.folder / word) if word.endswith(".json") else word
                for word in shlex.split(words)[1:]
            ]
            done = host.operate(*known)
            assert done.code == 0, (line, done.stderr)
            assert done.stdout
            if file:
                (host.folder / file).write_text(done.stdout)
            said[line] = done.stdout
    assert len(said) == 8
    entries = len(host.office.store.ledger_entries())
    assert said["lane-authority audit export > ledger.jsonl"].count("\n") == entries
    assert "It holds the anchor" in said["lane-authority audit verify --anchor anchor.json"]


def test_it_names_every_notice() -> None:
    assert set(re.findall(r"`([a-z]+_[a-z_]+)`", PAGE)) - {"launchplane_notify"} == {
        each.value for each in NoticeKind
    }
