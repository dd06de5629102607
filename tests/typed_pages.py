"""The commands of README and docs: which test types each of them, and which none can type."""

import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

CHECKOUT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *CHECKOUT.glob("docs/*.md")]
)
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
PROGRAMS = ("lane-authority", "lane-authority-guard")

TYPED_IN = {
    "README.md": "driver/pages/test_rebuild_pages.py",
    "audit.md": "driver/pages/test_rebuild_pages.py",
    "backups.md": "backups/test_backups_page.py",
    "driver-descriptors.md": "driver/pages/test_rebuild_pages.py",
    "filestore.md": "guard/test_guard_pages.py",
    "fingerprint.md": "guard/test_guard_pages.py",
    "guard.md": "driver/work/test_run_in_the_lane.py",
    "index.md": "driver/pages/test_rebuild_pages.py",
    "kept-data.md": "guard/test_guard_pages.py",
    "keys.md": "driver/pages/test_lives_pages.py",
    "lanes.md": "driver/pages/test_rebuild_pages.py",
    "lives.md": "driver/pages/test_lives_pages.py",
    "nights.md": "driver/nights/night.py",
    "odoo-doors.md": "backups/test_backups_page.py",
    "operations.md": "driver/pages/test_rebuild_pages.py",
    "plans.md": "driver/pages/test_rebuild_pages.py",
    "policies.md": "driver/pages/test_policy_pages.py",
    "product-repo-contract.md": "driver/pages/test_policy_pages.py",
    "reconcile.md": "driver/pages/test_rebuild_pages.py",
    "records.md": "driver/pages/test_rebuild_pages.py",
    "restoring.md": "backups/restores/test_upstream.py",
    "rollout-states.md": "driver/pages/test_rebuild_pages.py",
    "rule-book.md": "driver/pages/test_rebuild_pages.py",
    "security.md": "driver/pages/test_rebuild_pages.py",
    "serving.md": "driver/pages/test_rebuild_pages.py",
    "setting-up.md": "driver/pages/test_setting_up_page.py",
}
"""Which file types the commands of a page, word for word."""

SHOWN_ONLY = {
    "contracts/    import…": "a list of folders",
    "driver/       import…": "a list of folders",
    "addons/launchplane_lane_authority/…": "a list of folders",
    "tests/        one folder…": "a list of folders",
    "benchmarks/   what…": "a list of folders",
    "<backups>/": "a list of folders",
}
"""Indented lines that are no commands; `…` stands for the rest."""

ELSEWHERE = {
    "make …": "a target: tests/packaging runs set-up and help, `make test` is what runs this, and "
    "the others take minutes",
    ".venv/bin/python -m pytest…": "a run of the tests inside a run of the tests",
    "LANE_AUTHORITY_SCREENSHOTS=…": "the same",
    "pip install…": "tests/packaging installs the distribution with each of its extras, and "
    "test_driver_descriptors_page the page's own package",
    "docker …": "there is no Docker here; tests/packaging runs the bundle itself, `show` and all",
    "lane-authority guard-bundle…": "fetches packages; tests/packaging makes a bundle and runs it",
    "*/5 * * * *…": "a crontab; its command is typed",
    'eval "$(_LANE_AUTHORITY_COMPLETE=…': "test_completion_and_progress asks each shell's script",
    "_LANE_AUTHORITY_COMPLETE=…": "the same",
    'alice namespaces="launchplane-lane-authority"…': "a line of a file, with a key's beginning; "
    "each test's approvers file is made of such lines",
    "lane-authority lanes --watch…": "never ends by itself; test_lane_views watches and ends it",
    "lane-authority serve": "never ends by itself; test_serve asks what it serves, and ends it",
}
"""Lines that no test types as they stand, and why; `…` stands for the rest."""


def text_of(page: str) -> str:
    """A document, by its name."""
    (path,) = (each for each in DOCUMENTS if each.name == page)
    return path.read_text(encoding="utf-8")


def indented_lines(page: str) -> list[str]:
    """Every indented line of a page, without the comment at its end."""
    plain = FENCED.sub("", text_of(page))
    lines = (re.split(r"\s+# ", each)[0].rstrip() for each in INDENTED.findall(plain))
    return [each for each in lines if not each.startswith("# ")]


def is_one_of(line: str, known: dict[str, str]) -> bool:
    """Whether a line is one of these."""
    return any(
        line.startswith(each.removesuffix("…")) if each.endswith("…") else line == each
        for each in known
    )


def commands_of(page: str) -> list[str]:
    """The commands of ours that a page shows and a test can type."""
    return [
        line
        for line in indented_lines(page)
        if line.split()[0] in PROGRAMS and not is_one_of(line, ELSEWHERE)
    ]


def fenced(page: str, language: str) -> list[str]:
    """A page's examples in a language."""
    return [body for found, body in FENCED.findall(text_of(page)) if found == language]


class Page:
    """A page's commands, one after another; at the end every one must have been typed."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.left = list(lines)

    def __enter__(self) -> Self:
        """The page is opened."""
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
