"""Writes docs/schemas and docs/records.md: `make schemas`. A test compares both."""

import json
from pathlib import Path

from launchplane_lane_contracts.schemas import public_models, schema_name, schema_of
from tests import records_page

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"


def schema_files() -> dict[str, str]:
    """The text of every file of a schema, by its name."""
    return {
        f"{schema_name(model)}.json": json.dumps(
            schema_of(model), indent=1, sort_keys=True, ensure_ascii=False
        )
        + "\n"
        for model in public_models()
    }


def main() -> None:
    """Write every schema, and remove those of models that are no more."""
    FOLDER.mkdir(exist_ok=True)
    files = schema_files()
    for old in FOLDER.glob("*.json"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    records_page.main()
    print(f"{FOLDER}: {len(files)} schemas.")


if __name__ == "__main__":
    main()
