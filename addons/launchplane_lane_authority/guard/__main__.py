"""`python …/guard` and `python -m launchplane_lane_guard`: the same command line."""

import importlib.util
import sys
from pathlib import Path


def main() -> int:
    """Say which packages are missing, or run the command."""
    missing = [
        name
        for name in ("launchplane_lane_contracts", "pydantic", "jwt", "cryptography", "psycopg2")
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        sys.stderr.write(
            f"The guard needs Python packages that are not there: {', '.join(missing)}. Install "
            "launchplane-lane-authority with its extra `guard` for this Python "
            f"({sys.executable}).\n"
        )
        return 51
    if __package__:
        from .command_line import main as run
    else:
        # The folder was run by its path: give it its import name first.
        folder = Path(__file__).resolve().parent
        name = "launchplane_lane_guard"
        specification = importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        sys.modules[name] = module
        specification.loader.exec_module(module)
        from launchplane_lane_guard.command_line import main as run
    return int(run())


if __name__ == "__main__":
    sys.exit(main())
