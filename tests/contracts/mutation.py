"""Plants faults in the modules that decide, one at a time, and asks the tests about each.

Cosmic Ray does it, in copies of the tree where the package has its import name as its folder. It
changes what runs and no words: those are the business of the tests of sentences.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
                    *("approval", "evidence", "judgement", "observation", "policy"),
                    *("policy_change", "policy_comparison", "rulebook"),
                )
            ),
        ]
    )
)
"""The modules that decide."""

LEFT_OUT = (
    # `X | None` stands in annotations only; such a fault ends every import and proves nothing.
    "core/ReplaceBinaryOperator_BitOr_",
    # Nothing is multiplied here; what looks like it marks arguments that are given by name.
    "core/ReplaceBinaryOperator_Mul_",
    # Instants and durations know few operators; with another one every test ends in a TypeError.
    "core/ReplaceBinaryOperator_(Add|Sub)_(?!Add$|Sub$)",
    # Members of an enumeration are single and have no order: such a fault is none, or another's.
    "core/ReplaceComparisonOperator_Is(Not)?_(Eq|NotEq|LtE?|GtE?)$",
    # Names, digests and oids have no order; what remains of these is negation and identity.
    "core/ReplaceComparisonOperator_Eq_(?!NotEq$|Is$)",
    "core/ReplaceComparisonOperator_NotEq_(?!Eq$|IsNot$)",
    # Of instants, durations and numbers: the boundary and the negation.
    "core/ReplaceComparisonOperator_Lt_(?!LtE$|GtE$)",
    "core/ReplaceComparisonOperator_LtE_(?!Lt$|Gt$)",
    "core/ReplaceComparisonOperator_Gt_(?!GtE$|LtE$)",
    "core/ReplaceComparisonOperator_GtE_(?!Gt$|Lt$)",
)
"""Kinds of faults that would be found by accident or not be faults, as regular expressions."""

TESTS = (
    *("allowed", "judging_databases", "judging_markers", "judging_the_rest", "signatures"),
    *("limits_of_fields", "policy", "policy_change", "policy_comparison", "reasons", "retry"),
    *("what_reasons_say", "values_not_objects", "decide_benchmark", "rule_properties"),
)
"""Files of tests that are asked, by name: those of these modules, the quickest to find first."""

COSMIC_RAY = (sys.executable, "-m", "cosmic_ray.cli")

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
    """A copy of the tree, in which one fault after the other is planted and taken out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(CHECKOUT, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        shutil.copytree(folder / "contracts", folder / PACKAGE)

    def check(self) -> None:
        """See that the copy is what is tested, and that its tests pass without any fault."""
        code = f"import {PACKAGE} as package; print(package.__file__)"
        where = self.run(sys.executable, "-c", code).stdout
        assert where.startswith(str(self.folder)), f"{where} is not in the copy"
        self.run(*self.tests())

    def tests(self) -> tuple[str, ...]:
        """The command that asks the tests, with the same examples each time."""
        return (
            *(sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"),
            *("-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin"),
            "--hypothesis-profile=ci",
            *(f"tests/contracts/test_{name}.py" for name in TESTS),
        )

    def list_faults(self, modules: Sequence[str]) -> Counter[str]:
        """List the faults that are to be planted; how many in each module."""
        listed = ", ".join(json.dumps(f"{PACKAGE}/{module}") for module in modules)
        (self.folder / "faults.toml").write_text(
            "[cosmic-ray]\n"
            f"module-path = [{listed}]\n"
            f"timeout = {SECONDS_FOR_ALL_TESTS}.0\n"
            "excluded-modules = []\n"
            f"test-command = {json.dumps(shlex.join(self.tests()))}\n"
            '[cosmic-ray.distributor]\nname = "local"\n'
            f"[cosmic-ray.filters.operators-filter]\nexclude-operators = {json.dumps(LEFT_OUT)}\n"
        )
        self.run(*COSMIC_RAY, "init", "--force", "faults.toml", "faults.sqlite")
        self.run(
            *(sys.executable, "-m", "cosmic_ray.tools.filters.operators_filter"),
            *("faults.sqlite", "faults.toml"),
        )
        return Counter(module_of(item) for item, result in self.items() if result is None)

    def items(self) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
        """Every fault, and what came of it so far."""
        for line in self.run(*COSMIC_RAY, "dump", "faults.sqlite").stdout.splitlines():
            item, result = json.loads(line)
            yield item, result

    def environment(self) -> dict[str, str]:
        """Of every process in here: the tool's packages, and no plugin that was not asked for."""
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(self.folder), str(provide_extra("mutation")))),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }

    def start(self) -> subprocess.Popen[bytes]:
        """Begin with the work."""
        return subprocess.Popen(
            [*COSMIC_RAY, "exec", "faults.toml", "faults.sqlite"],
            cwd=self.folder,
            env=self.environment(),
        )

    def outcome(self) -> Outcome:
        """What came of it."""
        found: list[Fault] = []
        survived: list[Fault] = []
        for item, result in self.items():
            assert result is not None, f"nothing came of {item}"
            if result["worker_outcome"] == "skipped":
                continue
            assert result["worker_outcome"] == "normal", result
            fault = read_fault(module_of(item), result["diff"])
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


def module_of(item: dict[str, Any]) -> str:
    """The module of a fault, below `contracts/`."""
    path: str = item["mutations"][0]["module_path"]
    return path.removeprefix(f"{PACKAGE}/")


def read_fault(module: str, diff: str) -> Fault:
    """The fault, out of the difference that it makes."""
    body = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    was, became = (
        "\n".join(line[1:].strip() for line in body if line.startswith(sign)) for sign in "-+"
    )
    return Fault(module, was, became)


def plant_all(folder: Path, workers: int = 2) -> Outcome:
    """Plant every fault, with so many workers side by side."""
    working = [Worker(folder / str(number)) for number in range(workers)]
    working[0].check()
    modules = [str(path.relative_to(CONTRACTS)) for path in MODULES]
    faults = working[0].list_faults(modules)
    shares: list[list[str]] = [[] for _ in working]
    for module, _count in faults.most_common():
        min(shares, key=lambda share: sum(faults[each] for each in share)).append(module)
    for worker, share in zip(working, shares, strict=True):
        worker.list_faults(share)
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
