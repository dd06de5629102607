"""Every order that the driver gives stands in one list, with what decides it before.

A search reads the source for every way to an effect. That it finds one is tried by writing such
ways, in modules of their own and in those that are there.
"""

import ast
from pathlib import Path

import pytest

import launchplane_lane_driver
from launchplane_lane_driver.destructive import (
    ADDRESSES,
    ENTRY_POINTS,
    FILES,
    PROGRAMS,
    SIGNING,
    STATEMENTS,
    WITHOUT_AN_ORDER,
)
from tests.driver.ways_to_an_effect import Way, named, search

DRIVER = Path(launchplane_lane_driver.__file__).parent
REACHES = frozenset(
    {
        ("commands.lane_page", "_facts"),
        ("commands.lane_page", "_lines"),
        ("launchplane", "_require_same_lane"),
        ("launchplane", "reported_success"),
        ("spelled_out", "spelled_out"),
        ("store.replay", "_columns"),
        ("value_words", "_fields"),
    }
)
"""They ask values for fields whose names come from a list."""


def sources() -> dict[str, str]:
    """Every module of the driver, by its name below it."""
    return {
        ".".join(file.relative_to(DRIVER).with_suffix("").parts): file.read_text()
        for file in sorted(DRIVER.rglob("*.py"))
        if "migrations" not in file.parts
    }


def places(ways: set[Way], *kinds: str) -> set[tuple[str, str]]:
    """Where ways of these kinds are."""
    return {(each.module, each.function) for each in named(ways, *kinds)}


def faults(modules: dict[str, str]) -> set[object]:
    """All that is not as the lists have it."""
    ways, complaints = search(modules)
    orders = {(each.module, each.function, each.what) for each in named(ways, "order")}
    asked = {(each.module, each.function, each.what) for each in named(ways, "asks")}
    statements = {each for each in places(ways, "statement") if not each[0].startswith("store.")}
    return {
        *complaints,
        *(orders ^ {(each.module, each.function, each.order) for each in ENTRY_POINTS}),
        *(asked ^ WITHOUT_AN_ORDER),
        *(places(ways, "signs") ^ SIGNING),
        *(places(ways, "program") ^ PROGRAMS),
        *(places(ways, "address") ^ ADDRESSES),
        *(places(ways, "files") ^ FILES),
        *(places(ways, "reaches") ^ REACHES),
        *(statements ^ STATEMENTS),
    }


def test_every_way_to_an_effect_stands_in_the_list() -> None:
    assert faults(sources()) == set()


def test_what_decides_is_asked_before() -> None:
    trees = {name: ast.parse(text) for name, text in sources().items()}
    for each in ENTRY_POINTS:
        module, name = each.decided_in.split(":")
        (function,) = (
            node
            for node in ast.walk(trees[module])
            if isinstance(node, ast.FunctionDef) and node.name == name
        )
        calls = {
            ast.unparse(node.func).rsplit(".", 1)[-1]: node.lineno
            for node in ast.walk(function)
            if isinstance(node, ast.Call)
        }
        assert set(each.decided_by) <= set(calls), each
        if (module, name) == (each.module, each.function):
            orders = [
                node.lineno
                for node in ast.walk(function)
                if isinstance(node, ast.Call)
                and ast.unparse(node.func).removeprefix("guard_client.") == "carry_out"
            ]
            assert max(calls[one] for one in each.decided_by) < min(orders), each


OTHER_WAYS = {
    # To the guard.
    "its private hand": "from .guard_client import _run\ndef f(c): _run(c, ['release'], '', 1)",
    "another name": "from .guard_client import carry_out as show\ndef f(*a): show(*a)",
    "the module": "from . import guard_client\ndef f(c): guard_client.carry_out(c, 'x', 't', 'n')",
    "another one of it": "from . import guard_client as g\ndef f(c): g.ask(c, ['sweep'])",
    "the module whole": "import launchplane_lane_driver.guard_client",
    "all of it": "from .guard_client import *",
    "outside": "from .guard_client import carry_out\ncarry_out(1, 'release', 't', 'n')",
    "in a class": "from .guard_client import sweep\nclass A:\n    b = sweep(1)",
    "in a lambda": "from .guard_client import carry_out\nf = lambda c: carry_out(c, 'x', 't', 'n')",
    "awaited": "from .guard_client import carry_out\nasync def f(c): carry_out(c, 'x', 't', 'n')",
    "handed on": "from .guard_client import carry_out\ndef f(p): p.submit(carry_out, 1, 'x')",
    "kept for later": "from .guard_client import carry_out\ndef f():\n    g = carry_out\n    g(1)",
    "a word of another": "from .guard_client import ask\ndef f(c, w): ask(c, w, timeout=1)",
    "its program": "def f(c): return list(c.guard_command)",
    "another guard": "def f(c): return c.model_copy(update={'guard_command': ('x',)})",
    "the guard itself": "import launchplane_lane_guard.release",
    # To a signature.
    "signs": "def f(office, order): return office.sign(order)",
    "signs later": "def f(office):\n    s = office.key\n    return s.sign",
    "signs by name": "def f(office, order): return getattr(office, 'sign')(order)",
    "makes a token": "import jwt\ndef f(): jwt.encode({}, 'k')",
    # To a program.
    "starts a program": "import subprocess\ndef f(): subprocess.run(['dropdb'])",
    "starts by itself": "from subprocess import run\ndef f(): run(['dropdb'])",
    "by the system": "import os\ndef f(): os.system('dropdb cm')",
    "becomes one": "from os import execvp\ndef f(): execvp('dropdb', ['dropdb'])",
    "forks": "import multiprocessing",
    "awaits a program": "import asyncio",
    "on a terminal": "import pty",
    "in C": "import ctypes",
    "another process": "from concurrent.futures import ProcessPoolExecutor",
    "opens by the desktop": "import click\ndef f(): click.launch('file:///x')",
    # To files.
    "removes a tree": "import shutil\ndef f(p): shutil.rmtree(p)",
    "removes a file": "from pathlib import Path\ndef f(p): Path(p).unlink()",
    "renames": "def f(p): p.rename('x')",
    "takes a place": "def f(p): p.replace('x')",
    "writes": "def f(p): p.write_bytes(b'')",
    "opens to write": "def f(p):\n    with open(p, 'w'): pass",
    "removes by the system": "import os\ndef f(p): os.remove(p)",
    # To a server.
    "a connection": "import psycopg\ndef f(): psycopg.connect('').execute('DROP DATABASE cm')",
    "another library": "import psycopg2",
    "a socket": "import socket",
    "a statement": "def f(opened): opened.execute('DROP DATABASE cm')",
    "an engine": "from sqlalchemy import create_engine\ndef f(): create_engine('x')",
    "over the network": "import requests\ndef f(): requests.post('x')",
    "by urllib": "import urllib.request",
    # To anything.
    "by name": "def f(a, b): return getattr(a, b)",
    "by import": "def f(): __import__('os').system('x')",
    "by text": "def f(t): exec(t)",
    "by value": "def f(t): return eval(t)",
    "by the table of modules": "import sys\ndef f(): sys.modules['os'].system('x')",
    "by importlib": "import importlib\ndef f(): importlib.import_module('os')",
}


@pytest.mark.parametrize("way", OTHER_WAYS)
def test_a_way_in_a_new_module_is_found(way: str) -> None:
    assert faults({**sources(), "another": OTHER_WAYS[way]})


ADDED = {
    "another order": (
        "operations.abort",
        "def abort",
        "def f(c): carry_out(c, 'release', 't', 'n')",
    ),
    "twice in one place": (
        "operations.abort",
        'carry_out(configuration, "abort"',
        'carry_out(configuration, "release"',
    ),
    "a word that is not written": (
        "operations.abort",
        'carry_out(configuration, "abort"',
        "carry_out(configuration, operation_id",
    ),
    "another program": ("guard_client", "def _run", "def f(c): subprocess.run(['dropdb'])"),
    "another name": ("guard_client", "def _run", "def f(c): s = subprocess; s.run(['dropdb'])"),
    "a post": ("runtime_client", "def ask_runtime", "def f(s): s.post('x')"),
    "a statement": ("database_witness", "@contextmanager\ndef reader", "def f(o): o.execute('x')"),
    "a file": ("host_directory", "def default_path", "def f(p): p.unlink()"),
    "an order less": ("operations.abort", "carry_out(configuration,", "print(configuration,"),
}


@pytest.mark.parametrize("way", ADDED)
def test_a_way_in_a_module_that_is_there_is_found(way: str) -> None:
    module, before, text = ADDED[way]
    modules = sources()
    assert before in modules[module]
    # A function is put before what is there; part of a call takes its place.
    new = f"{text}\n\n\n{before}" if text.startswith("def f") else text
    modules[module] = modules[module].replace(before, new, 1)
    assert faults(modules)
