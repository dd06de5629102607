"""The renderer of the documents' diagrams: Mermaid itself, fetched by npm and cached."""

import tarfile
from pathlib import Path

from tests.real import debian
from tests.real.cache import build_once, cache_folder
from tests.real.processes import run
from tests.real.progress import step

VERSION = "11.12.0"
"""Pinned, since what it takes for a diagram changes with its version."""
FILE = "package/dist/mermaid.min.js"


def mermaid_script() -> Path:
    """The one file that a browser loads; made the first time."""
    debian.provide(browser=True, npm=True)
    folder = build_once(cache_folder() / "mermaid" / VERSION, "fetching Mermaid", _fetch)
    return folder / FILE


def _fetch(folder: Path) -> None:
    with step(f"Mermaid {VERSION}: fetching it from npm"):
        run(
            ["npm", "pack", "--silent", f"mermaid@{VERSION}"],
            purpose=f"fetch Mermaid {VERSION} from npm",
            remedy="Check the network and npm's settings, then try again.",
            folder=folder,
        )
    (packed,) = folder.glob("*.tgz")
    with tarfile.open(packed) as archive:
        archive.extract(FILE, folder, filter="data")
    packed.unlink()
