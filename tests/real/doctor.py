"""What is there and what is missing, said without changing anything."""

import os
import sys
from pathlib import Path

from tests.real.cache import cache_folder
from tests.real.debian import chromium, explain, missing_parts
from tests.real.errors import RealPartMissing
from tests.real.odoo import HOME_VARIABLE, odoo_at, unpacked_versions
from tests.real.server_binaries import WHEEL, debian_binaries

OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 13)


def examine(browser: bool = False) -> int:
    """Print one line for each part; the result is 0 when a run can begin."""
    missing = missing_parts(browser)
    try:
        print(f"Cache: {cache_folder()}")
        print(f"Odoo: {odoo_state()}")
        problem = python_problem()
    except RealPartMissing as error:
        print(error)
        problem = True
    print(f"PostgreSQL: {postgres_state()}")
    print(f"Chromium: {chromium() or 'not there; only screens need it'}")
    if missing:
        print(explain(missing))
    else:
        print("Debian packages: nothing is missing.")
    return 1 if problem or any(not part.replaceable for part in missing) else 0


def python_problem() -> bool:
    """Whether this Python can't run Odoo 19."""
    present = sys.version_info[:2]
    shown = ".".join(map(str, sys.version_info[:3]))
    if OLDEST_PYTHON <= present <= NEWEST_PYTHON:
        print(f"Python: {shown}")
        return False
    print(f"Python: {shown}, but 3.11, 3.12 or 3.13 is needed.")
    return True


def odoo_state() -> str:
    """Which Odoo a run would use."""
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return f"{odoo_at(Path(home).expanduser().absolute()).version} at {home}"
    unpacked = unpacked_versions()
    if unpacked:
        return f"{unpacked[-1].name}, unpacked in the cache"
    return "not fetched yet; the first run does it"


def postgres_state() -> str:
    """Which PostgreSQL a run would use."""
    installed = debian_binaries()
    if installed:
        return f"Debian's {', '.join(sorted(installed, key=int))}"
    return f"none from Debian; the PyPI wheel {WHEEL} is used"
