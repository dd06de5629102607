"""Runs the tests part by part, three parts at a time, and says where the time went.

A part is a folder of tests. Its output is shown as a whole when it is over. A part that collected
no test has failed: silence is not success. The very last line counts the tests of all parts.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

TESTS = Path(__file__).parent
ALLOWED_SECONDS = 900
# Each waits for its servers much of the time, so two processors carry three.
PARTS_AT_A_TIME = 3
SECONDS_BETWEEN_SIGNS_OF_LIFE = 60
# Seconds that each part may take beside another one, with everything cached. A folder within a part
# runs apart from it in the whole run, where it would else be the last, with half the machine idle.
BUDGETS: dict[str, int | None] = {
    "contracts": 120,
    "guard": 480,
    "interference": 120,
    "driver": 300,
    "driver/work": 500,
    "addon": 180,
    "backups": 150,
    "system": 150,
    "packaging": 120,
    "real_tool": None,
}
# It makes and removes what every part leans on: the checkout's own build, the shared cache.
ALONE = frozenset({"real_tool"})
NOTHING_COLLECTED = 5


@dataclass(frozen=True)
class Outcome:
    """What a part's tests came to."""

    part: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    # Why it failed although no test did, or nothing.
    problem: str = ""

    @property
    def has_failed(self) -> bool:
        """Whether this part makes the whole run fail."""
        return bool(self.failed or self.problem)

    def line(self) -> str:
        """One line of the closing table."""
        budget = BUDGETS.get(self.part)
        allowed = f"of {budget:4d} s" if budget else "         "
        verdict = "FAILED" if self.has_failed else "passed"
        counts = f"{self.passed:5d} passed {self.failed:4d} failed {self.skipped:4d} skipped"
        note = f"  ({self.problem})" if self.problem else ""
        return f"{self.part:<12} {verdict}  {counts}  {self.seconds:7.1f} s {allowed}{note}"


def parts() -> list[str]:
    """Every part: the ones that are expected, and any other folder that has tests."""
    expected = list(BUDGETS)
    found = {path.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/test_*.py")}
    return expected + sorted(found.difference(expected))


def run_part(part: str, selection: Sequence[str] = (), *, output: Path | None = None) -> Outcome:
    """Run one part in a process of its own, which writes to `output` or else to ours.

    `selection` are further words for pytest.
    """
    folder = TESTS / part
    if not folder.is_dir():
        return Outcome(part, 0, 0, 0, 0.0, f"there is no folder {folder.name} below tests")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lane-tests-") as scratch:
        report = Path(scratch) / "report.xml"
        with output.open("wb") if output else nullcontext() as written:
            completed = subprocess.run(
                [
                    *(sys.executable, "-m", "pytest", str(folder), "--junit-xml", str(report)),
                    *("--durations=5", "--durations-min=2", *selection),
                ],
                cwd=TESTS.parent,
                check=False,
                stdout=written,
                stderr=written,
            )
        passed, failed, skipped = count(report)
    seconds = time.monotonic() - began
    problem = ""
    if completed.returncode not in (0, NOTHING_COLLECTED) and failed == 0:
        problem = f"pytest ended with code {completed.returncode}"
    elif passed + failed + skipped == 0:
        problem = "no test was collected"
    return Outcome(part, passed, failed, skipped, seconds, problem)


def count(report: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped tests in pytest's own report."""
    if not report.exists():
        return 0, 0, 0
    # Not foreign text: our own child wrote it a moment ago.
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314

    def total(name: str) -> int:
        return sum(int(suite.get(name, "0")) for suite in suites)

    failed, skipped = total("failures") + total("errors"), total("skipped")
    return max(0, total("tests") - failed - skipped), failed, skipped


def run_apart(part: str) -> list[str]:
    """What leaves out the folders of a part that are parts of their own."""
    return [f"--ignore={TESTS / each}" for each in BUDGETS if each.startswith(f"{part}/")]


def run_side_by_side(names: Sequence[str], scratch: Path) -> list[Outcome]:
    """Run parts, three at a time, and show what each of them printed when it is over."""
    outcomes = []
    with ThreadPoolExecutor(max_workers=PARTS_AT_A_TIME) as pool:
        running = {
            pool.submit(run_part, name, run_apart(name), output=scratch / Path(name).name): name
            # The longest first, so that none of them is left to run by itself.
            for name in sorted(names, key=lambda name: -(BUDGETS.get(name) or 0))
        }
        while running:
            ended, others = wait(running, SECONDS_BETWEEN_SIGNS_OF_LIFE, FIRST_COMPLETED)
            for each in ended:
                name = running.pop(each)
                outcomes.append(each.result())
                shown = scratch / Path(name).name
                text = shown.read_text(errors="replace") if shown.exists() else ""
                print(f"\n== {name} ==\n{text}", flush=True)
            if not ended:
                going = ", ".join(running[each] for each in others if each.running())
                print(f"still running: {going}", flush=True)
    return outcomes


def run_all() -> int:
    """Every part, then the table and the one line that counts."""
    began = time.monotonic()
    everything = parts()
    with tempfile.TemporaryDirectory(prefix="lane-tests-") as scratch:
        outcomes = run_side_by_side(
            [name for name in everything if name not in ALONE], Path(scratch)
        )
    for name in everything:
        if name in ALONE:
            print(f"\n== {name} ==", flush=True)
            outcomes.append(run_part(name))
    outcomes.sort(key=lambda outcome: everything.index(outcome.part))
    print("\nWhere the time went:")
    for outcome in outcomes:
        print(outcome.line())
    print(f"{'together':<12} {time.monotonic() - began:.1f} s of {ALLOWED_SECONDS} s")
    failed = sum(max(outcome.failed, outcome.has_failed) for outcome in outcomes)
    passed = sum(outcome.passed for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if any(outcome.has_failed for outcome in outcomes) else 0


def run_full(part: str | None) -> int:
    """One part's long proof, or the list of parts."""
    if part is None:
        print("Name the part whose long proof should run: make test-full PART=guard")
        print(f"The parts are: {', '.join(parts())}.")
        return 2
    if part not in parts():
        print(f"There is no part {part}. The parts are: {', '.join(parts())}.")
        return 2
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", str(TESTS / part), "-m", "full", "--collect-only", "-q"],
        cwd=TESTS.parent,
        check=False,
        capture_output=True,
        text=True,
    )
    if collected.returncode == NOTHING_COLLECTED or not (TESTS / part).is_dir():
        print(f"The part {part} has no full-size test yet, so nothing was proven.")
        return 1
    outcome = run_part(part, ("-m", "full", "-o", "timeout=3600"))
    print(outcome.line())
    print(f"{outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped")
    return 1 if outcome.has_failed else 0


def main() -> int:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.run", description=__doc__)
    parser.add_argument("--full", action="store_true", help="one part's long proof at full size")
    parser.add_argument("part", nargs="?", help="the part of a long proof")
    arguments = parser.parse_args()
    if arguments.full:
        return run_full(arguments.part)
    return run_all()


if __name__ == "__main__":
    sys.exit(main())
