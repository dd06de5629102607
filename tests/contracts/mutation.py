"""Plants faults in the modules that decide, one at a time, and asks the quick tests about each.

Cosmic Ray does it, in copies of the tree where the package has its import name as its folder. It
changes what runs and no words: those are the business of the tests of sentences.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.real.environment import provide_extra

PACKAGE = "launchplane_lane_contracts"
CHECKOUT = Path(__file__).parents[2]
CONTRACTS = CHECKOUT / "contracts"
MODULES = tuple(
    sorted(
        [
            *(CONTRACTS / "rules").glob("[a-z]*.py"),
            *(
                CONTRACTS / f"{name}.py"
                for name in (
                    *("approval", "evidence", "judgement", "observation"),
                    *("policy", "policy_change", "rulebook"),
                )
            ),
        ]
    )
)
"""The modules that decide."""

LEFT_OUT = (
    # `X | None` stands in annotations only; such a fault ends every import and proves nothing.
    "core/ReplaceBinaryOperator_BitOr_",
    # Members of an enumeration are single, so `==` for `is` is no fault; and they have no order.
    "core/ReplaceComparisonOperator_Is(Not)?_(Eq|NotEq|LtE?|GtE?)$",
    # Instants and durations know few operators; with another one every test ends in a TypeError.
    "core/ReplaceBinaryOperator_(Add|Sub)_(?!Add|Sub)",
    "core/ReplaceBinaryOperator_Mul_(?!Add|Div)",
)
"""Kinds of faults that would be found by accident or not be faults, as regular expressions."""

LAST = ("test_rule_properties.py",)
"""Tests that take long to find anything; they are asked when the others found nothing."""

SECONDS_FOR_ALL_TESTS = 400
"""A fault that makes the tests run for longer counts as found."""


@dataclass(frozen=True, order=True)
class Fault:
    """One change of one module."""

    module: str
    """Its path below `contracts/`."""
    was: str
    """The lines as they are, without indentation."""
    became: str
    """The same lines with the fault."""


@dataclass(frozen=True)
class Outcome:
    """What all the faults came to."""

    found: tuple[Fault, ...]
    survived: tuple[Fault, ...]

    @property
    def share_found(self) -> float:
        """Between 0 and 1."""
        return len(self.found) / (len(self.found) + len(self.survived))

    def lines(self) -> Iterator[str]:
        """The figures, module by module."""
        for module in sorted({each.module for each in (*self.found, *self.survived)}):
            found, survived = (
                sum(each.module == module for each in faults)
                for faults in (self.found, self.survived)
            )
            yield f"{module:<32} {found + survived:4d} faults  {survived:3d} not found"
        together = len(self.found) + len(self.survived)
        yield f"{'together':<32} {together:4d} faults  {len(self.survived):3d} not found"
        yield f"{self.share_found:.1%} found"


class Worker:
    """One copy of the tree, in which one fault after the other is planted and taken out."""

    def __init__(self, folder: Path, modules: list[Path]) -> None:
        self.folder = folder
        shutil.copytree(CHECKOUT, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        shutil.copytree(folder / "contracts", folder / PACKAGE)
        listed = ", ".join(
            json.dumps(f"{PACKAGE}/{path.relative_to(CONTRACTS)}") for path in modules
        )
        (folder / "faults.toml").write_text(
            "[cosmic-ray]\n"
            f"module-path = [{listed}]\n"
            f"timeout = {SECONDS_FOR_ALL_TESTS}.0\n"
            "excluded-modules = []\n"
            f"test-command = {json.dumps(shlex.join(self.tests()))}\n"
            '[cosmic-ray.distributor]\nname = "local"\n'
            f"[cosmic-ray.filters.operators-filter]\nexclude-operators = {json.dumps(LEFT_OUT)}\n"
        )

    def tests(self) -> tuple[str, ...]:
        """The command that asks the tests; always the same examples, and the first finding ends it.

        Those that look at the checkout itself are left out, as are the enumerations.
        """
        files = sorted(
            (self.folder / "tests" / "contracts").glob("test_*.py"),
            key=lambda path: (path.name in LAST, path.name),
        )
        return (
            *(sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow and not full"),
            *("-p", "no:cacheprovider", "-p", "pytest_timeout"),
            *("-p", "_hypothesis_pytestplugin", "--hypothesis-profile=ci"),
            *(str(path.relative_to(self.folder)) for path in files),
        )

    def environment(self) -> dict[str, str]:
        """Of every process in here: the tool's packages, and no plugin that was not asked for."""
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(self.folder), str(provide_extra("mutation")))),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }

    def prepare(self) -> None:
        """List the faults, once the tests have passed without any."""
        code = f"import {PACKAGE} as package; print(package.__file__)"
        where = self.run(sys.executable, "-c", code).stdout
        assert where.startswith(str(self.folder)), f"{where} is not in the copy"
        self.run(*self.tests())
        tool = (sys.executable, "-m", "cosmic_ray.cli")
        self.run(*tool, "init", "faults.toml", "faults.sqlite")
        self.run(
            *(sys.executable, "-m", "cosmic_ray.tools.filters.operators_filter"),
            *("faults.sqlite", "faults.toml"),
        )

    def start(self) -> subprocess.Popen[bytes]:
        """Begin with the work."""
        return subprocess.Popen(
            [sys.executable, "-m", "cosmic_ray.cli", "exec", "faults.toml", "faults.sqlite"],
            cwd=self.folder,
            env=self.environment(),
        )

    def outcome(self) -> Outcome:
        """What came of it."""
        dumped = self.run(sys.executable, "-m", "cosmic_ray.cli", "dump", "faults.sqlite").stdout
        found: list[Fault] = []
        survived: list[Fault] = []
        for line in dumped.splitlines():
            item, result = json.loads(line)
            assert result is not None, f"nothing came of {item}"
            if result["worker_outcome"] == "skipped":
                continue
            assert result["worker_outcome"] == "normal", result
            fault = read_fault(item["mutations"][0]["module_path"], result["diff"])
            (survived if result["test_outcome"] == "survived" else found).append(fault)
        return Outcome(tuple(found), tuple(survived))

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run something in the copy to its good end."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
        return done


def read_fault(module_path: str, diff: str) -> Fault:
    """The fault, out of the difference that it makes."""
    body = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    was, became = (
        "\n".join(line[1:].strip() for line in body if line.startswith(sign)) for sign in "-+"
    )
    return Fault(module_path.removeprefix(f"{PACKAGE}/"), was, became)


def plant_all(folder: Path, workers: int = 2) -> Outcome:
    """Plant every fault, with so many workers side by side."""
    shares: list[list[Path]] = [[] for _ in range(workers)]
    for module in sorted(MODULES, key=lambda path: -path.stat().st_size):
        smallest = min(shares, key=lambda share: sum(path.stat().st_size for path in share))
        smallest.append(module)
    working = [Worker(folder / str(number), share) for number, share in enumerate(shares)]
    for worker in working:
        worker.prepare()
    running = [worker.start() for worker in working]
    try:
        assert [each.wait() for each in running] == [0] * workers
    finally:
        for each in running:
            each.kill()
            each.wait()
    outcomes = [worker.outcome() for worker in working]
    return Outcome(
        tuple(fault for each in outcomes for fault in each.found),
        tuple(fault for each in outcomes for fault in each.survived),
    )
