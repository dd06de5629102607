"""Set this checkout up: choose a Python that Odoo 19 can run on, then make the environment.

Runs as a plain script on whatever `python3` is, so it is written for old versions too.
"""

import os
import subprocess
import sys

SUITABLE = ((3, 11), (3, 12), (3, 13))
CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120


def answers(command: str) -> "tuple[int, ...] | None":
    """The version of this Python if it runs at all: a name on PATH may lead nowhere."""
    try:
        printed = subprocess.check_output(
            [command, "-I", "-c", "import sys; print(sys.version_info[0], sys.version_info[1])"],
            stderr=subprocess.DEVNULL,
        )
        return tuple(int(number) for number in printed.split())
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


def choose() -> str:
    """The Python that PYTHON names, else the one that runs this, else one found on PATH."""
    asked = os.environ.get("PYTHON")
    if asked and asked != "python3":
        version = answers(asked)
        if version in SUITABLE:
            return asked
        found = "does not run" if version is None else "is Python {}.{}".format(*version)
        sys.exit(
            f"PYTHON names {asked}, which {found}.\n"
            "Odoo 19 needs Python 3.11, 3.12 or 3.13: name one of those."
        )
    if sys.version_info[:2] in SUITABLE:
        return sys.executable
    for version in SUITABLE:
        name = "python{}.{}".format(*version)
        if answers(name) == version:
            return name
    sys.exit(
        "Odoo 19 needs Python 3.11, 3.12 or 3.13. Looked at python3 (which is {}.{}) and for "
        "python3.11, python3.12 and python3.13 on PATH.\nInstall one of them, or name one: "
        "make PYTHON=/path/to/python3.12 test".format(*sys.version_info[:2])
    )


if __name__ == "__main__":
    os.chdir(CHECKOUT)
    python = choose()
    os.environ.pop("PYTHONHOME", None)
    os.environ.pop("PYTHONPATH", None)
    os.execvp(python, [python, "-m", "tests.real.environment", *sys.argv[1:]])  # noqa: S606
