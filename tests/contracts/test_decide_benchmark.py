"""What the benchmark of `decide` compares decides the same; else its figures would say nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.decide.cases import cases
from benchmarks.decide.engines import ENGINES
from benchmarks.decide.plain import allows

CHECKOUT = Path(__file__).parents[2]


def test_rules_written_by_hand_allow_what_the_rule_book_allows() -> None:
    allowed = 0
    for case in cases(drawn=2000):
        expected = case.decide().allowed
        assert allows(case.policy, case.request, case.observation, case.now) is expected, case
        allowed += expected
    assert allowed > 100


@pytest.mark.full
def test_the_engines_agree_case_by_case(tmp_path: Path) -> None:
    written = tmp_path / "figures.md"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.decide"),
            *("--drawn", "500", "--rounds", "1", "--markdown", str(written)),
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "all agree on every one" in done.stdout
    figures = written.read_text(encoding="utf-8")
    assert all(f"| {name} |" in figures for name in ENGINES)
