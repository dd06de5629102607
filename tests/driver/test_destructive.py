"""Every order that the driver gives stands in one list, with what decides it before."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import launchplane_lane_driver
from launchplane_lane_driver.destructive import ENTRY_POINTS, PROGRAMS, SIGNING

DRIVER = Path(launchplane_lane_driver.__file__).parent


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the driver, by its name below it."""
    for file in sorted(DRIVER.rglob("*.py")):
        if "migrations" not in file.parts:
            name = ".".join(file.relative_to(DRIVER).with_suffix("").parts)
            yield name, ast.parse(file.read_text())


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Every function, methods too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


def called(node: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call in it, by the whole name that it has there."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            yield ast.unparse(each.func), each


def is_guard_order(name: str, tree: ast.Module) -> bool:
    """Whether a call of that name in that module has the guard carry something out."""
    if name.endswith("guard_client.carry_out"):
        return True
    return name == "carry_out" and any(
        isinstance(each, ast.ImportFrom)
        and (each.module or "").endswith("guard_client")
        and any(alias.name == "carry_out" for alias in each.names)
        for each in ast.walk(tree)
    )


def test_every_order_is_given_from_a_place_in_the_list() -> None:
    found = {
        (module, function.name, ast.literal_eval(call.args[1]))
        for module, tree in sources()
        for function in functions(tree)
        for name, call in called(function)
        if is_guard_order(name, tree)
    }
    assert found == {(each.module, each.function, each.order) for each in ENTRY_POINTS}


def test_nobody_else_reaches_for_the_guard_or_has_anything_signed() -> None:
    signing, carrying = set(), set()
    for module, tree in sources():
        for function in functions(tree):
            for name, _call in called(function):
                if re.fullmatch(r"(?:.*\.)?(?:office|key)\.sign", name):
                    signing.add((module, function.name))
        for node in ast.walk(tree):
            # Handed on under another name it would be found nowhere.
            if isinstance(node, ast.alias) and node.name == "carry_out" and node.asname:
                carrying.add(module)
    assert signing <= SIGNING, signing - SIGNING
    assert carrying == set()


def test_what_decides_is_asked_before() -> None:
    trees = dict(sources())
    for each in ENTRY_POINTS:
        module, name = each.decided_in.split(":")
        (function,) = (one for one in functions(trees[module]) if one.name == name)
        calls = {said.rsplit(".", 1)[-1]: call.lineno for said, call in called(function)}
        assert set(each.decided_by) <= set(calls), each
        orders = [
            call.lineno for said, call in called(function) if is_guard_order(said, trees[module])
        ]
        if (module, name) == (each.module, each.function):
            assert max(calls[one] for one in each.decided_by) < min(orders), each


def test_no_statement_of_the_driver_s_own_changes_a_lane() -> None:
    words = re.compile(
        r"\b(DROP|ALTER|CREATE)\s+DATABASE|\bTRUNCATE\b|\bpg_terminate|COMMENT ON", re.I
    )
    for module, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                for argument in ast.walk(node):
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        assert not (
                            "execute" in ast.unparse(node.func) and words.search(argument.value)
                        ), module


def test_programs_are_started_from_few_places() -> None:
    found = {
        (module, function.name)
        for module, tree in sources()
        for function in functions(tree)
        for name, _call in called(function)
        if name in ("subprocess.run", "subprocess.Popen", "os.system", "os.execv")
    }
    assert found >= PROGRAMS
    assert {module for module, _function in found - PROGRAMS} <= {
        "guard_bundle",
        "database_witness",
    }
