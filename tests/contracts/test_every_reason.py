"""Every reason code has a paragraph for people and a test that provokes it."""

import re
from pathlib import Path

import pytest

from launchplane_lane_contracts.reasons import ReasonCode as Code

from .provocations import PROVOCATIONS

CHECKOUT = Path(__file__).parents[2]
PAGE = CHECKOUT / "docs" / "reasons.md"

PROVOKED_ELSEWHERE = {
    # Yielded by the guard.
    Code.ENVIRONMENT_OTHER_LANE: "tests/guard",
    Code.ENVIRONMENT_OTHER_DATABASE: "tests/guard",
    Code.ENVIRONMENT_OTHER_FILESTORE: "tests/guard",
    Code.ORDER_REFUSED: "tests/guard",
    Code.ORDER_EXPIRED: "tests/guard",
    Code.PERMIT_ALREADY_BEGUN: "tests/guard",
    Code.PERMIT_NOT_BEGUN: "tests/guard",
    Code.COMMAND_DIFFERS: "tests/guard",
    Code.SOURCE_DIFFERS: "tests/guard",
    Code.READINGS_MOVED: "tests/guard",
    Code.SET_ASIDE_IMPOSSIBLE: "tests/guard",
    Code.RESULT_NOT_AS_PERMITTED: "tests/guard",
    Code.UNDO_IMPOSSIBLE: "tests/guard",
    Code.CONNECTION_POOLED: "tests/guard",
    Code.RELEASE_IMPOSSIBLE: "tests/guard",
    Code.RELEASE_NEEDS_PROOF: "tests/guard",
    Code.KEPT_NOT_AS_PROVEN: "tests/guard",
    Code.FILES_INCOMPLETE: "tests/guard",
    Code.SHADOW_IMPOSSIBLE: "tests/guard",
    Code.BACKUPS_UNUSABLE: "tests/backups",
    Code.BACKUP_DAMAGED: "tests/backups",
    Code.SOURCE_INCOMPLETE: "tests/backups",
    Code.COPY_DIFFERS: "tests/backups",
    Code.NOT_NEUTRALISED: "tests/backups",
    Code.SIDE_GONE: "tests/backups",
    # Yielded by the driver.
    Code.MATERIALISER_FAILED: "tests/driver",
    Code.PLAN_CHANGED: "tests/driver",
    Code.GUARD_SILENT: "tests/driver",
    Code.DRIVER_UNAVAILABLE: "tests/driver",
    Code.ALREADY_ENROLLED: "tests/driver",
    Code.NOTHING_TO_ENROL: "tests/driver",
    Code.NOTHING_TO_DO: "tests/driver",
    Code.POLICY_PROTECTS: "tests/driver",
    Code.OLD_PLACE_UNSETTLED: "tests/driver",
    Code.ORIGINAL_NOT_SEEN: "tests/driver",
    Code.NO_OPERATION_AUTHORIZED: "tests/driver",
    Code.APPROVERS_NOT_ON_RECORD: "tests/driver",
    Code.RUNTIME_NOT_ANSWERING: "tests/driver",
}
"""Codes that the rule book does not yield, and the folder whose tests provoke them."""


def files_that_name(code: Code, folder: Path) -> list[Path]:
    """Python files below the folder, this one apart, in which the code stands."""
    named = re.compile(rf"\b({code.name}|{code.value})\b")
    return [
        path
        for path in sorted(folder.rglob("*.py"))
        if path != Path(__file__) and named.search(path.read_text(encoding="utf-8"))
    ]


def test_every_code_is_provoked_here_or_elsewhere() -> None:
    here = {code for provocation in PROVOCATIONS for code in provocation.codes}
    assert here | set(PROVOKED_ELSEWHERE) == set(Code)
    assert not here & set(PROVOKED_ELSEWHERE)


@pytest.mark.parametrize("code", sorted(PROVOKED_ELSEWHERE), ids=str)
def test_a_code_of_guard_or_driver_is_named_by_its_tests(code: Code) -> None:
    folder = CHECKOUT / PROVOKED_ELSEWHERE[code]
    assert files_that_name(code, folder), f"no test in {PROVOKED_ELSEWHERE[code]} provokes {code}"


def paragraphs() -> dict[str, str]:
    """The page's text below each code."""
    found = re.split(r"^## `([a-z_]+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    codes = found[1::2]
    assert len(codes) == len(set(codes))
    return dict(zip(codes, found[2::2], strict=True))


def test_the_page_knows_every_code_and_no_other() -> None:
    assert set(paragraphs()) == {code.value for code in Code}


@pytest.mark.parametrize("code", list(Code), ids=str)
def test_the_paragraph_says_meaning_check_and_way_on(code: Code) -> None:
    meaning, check, way = paragraphs()[code].split("# ")[0].strip().split("\n\n")[:3]
    assert len(meaning.split()) > 5
    assert check.startswith("*Check:* ")
    assert way.startswith("*Way on:* ")
    for text in (meaning, check, way):
        assert text.rstrip().endswith((".", "?"))
