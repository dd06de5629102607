"""`python …/guard` and `python -m launchplane_lane_guard`: the same command line."""

import importlib.util
import sys
from pathlib import Path


def main() -> int:
    """Give the guard its import name, where the folder was run by its path, and enter."""
    if not __package__:
        folder = Path(__file__).resolve().parent
        # Python puts the folder itself first, where its files would pass for anybody's modules.
        sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != folder]
        load(folder)
    from launchplane_lane_guard import __version__
    from launchplane_lane_guard.door import enter

    return enter(__version__)


def load(folder: Path) -> None:
    """Import the guard from this folder under its own name."""
    name = "launchplane_lane_guard"
    specification = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)


if __name__ == "__main__":
    sys.exit(main())
