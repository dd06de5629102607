"""Faults planted in the modules that decide are found by the tests, or explained.

The explanations stand in `mutation_survivors.toml` beside this file. A fault that no test finds and
nobody explained fails the proof, and so does an explanation of one that is found or gone.
"""

import json
import tomllib
from pathlib import Path

import pytest

from .mutation import Fault, plant_all, read_fault

EXPLANATIONS = Path(__file__).with_name("mutation_survivors.toml")
LEAST_FOUND = 0.95


def explanations() -> dict[Fault, str]:
    """Why each fault that no test finds does no harm."""
    listed = tomllib.loads(EXPLANATIONS.read_text(encoding="utf-8"))["survivor"]
    return {Fault(each["module"], each["was"], each["became"]): each["why"] for each in listed}


def as_entry(fault: Fault) -> str:
    """How it would be written into the file."""
    texts = (
        f"{name} = {json.dumps(getattr(fault, name), ensure_ascii=False)}"
        for name in ("module", "was", "became")
    )
    return "\n".join(("[[survivor]]", *texts, 'why = ""'))


def test_every_explanation_says_why() -> None:
    assert all(len(why.split()) > 5 and why.endswith(".") for why in explanations().values())


def test_a_fault_is_read_out_of_the_difference_that_it_makes() -> None:
    difference = (
        "--- mutation diff ---\n--- apackage/rule.py\n+++ bpackage/rule.py\n@@ -1,3 +1,3 @@\n"
        " def rule():\n-    return now < then\n+    return now <= then\n"
    )
    assert read_fault("rule.py", difference) == Fault(
        "rule.py", "return now < then", "return now <= then"
    )


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_every_planted_fault_is_found_or_explained(tmp_path: Path) -> None:
    outcome = plant_all(tmp_path)
    print("\n".join(("", *outcome.lines())))
    survived, explained = set(outcome.survived), set(explanations())
    unexplained = "\n\n".join(as_entry(each) for each in sorted(survived - explained))
    assert not unexplained, f"not found by any test, and not explained:\n{unexplained}"
    assert explained <= survived, f"explained, but found or gone: {sorted(explained - survived)}"
    assert outcome.share_found >= LEAST_FOUND, f"only {outcome.share_found:.1%} were found"
