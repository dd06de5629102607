"""Builds the documents as pages: `make docs`. A page, link or heading that is not there fails."""

import os
import subprocess
import sys
from pathlib import Path

from tests.real.environment import provide_extra

CHECKOUT = Path(__file__).parents[1]


def main() -> int:
    """Build them into site/."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(provide_extra("docs")),
        # Its authors' notice about another project is none of ours.
        "NO_MKDOCS_2_WARNING": "1",
    }
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
