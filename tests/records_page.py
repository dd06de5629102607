"""Writes docs/records.md from the models: every record and token, field by field."""

import inspect
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.schemas import public_models, schema_name, schema_of

PAGE = Path(__file__).parents[1] / "docs" / "records.md"
HEAD = """# Records and tokens

    lane-authority audit show

Every record and token, field by field, as the models of `contracts/` say it; this page is written
by `make schemas` and compared by a test. Each has a JSON schema, which is what other programs read.
All are frozen and refuse keys that they do not know. Instants are in UTC.

"""


class Life(NamedTuple):
    """What the models cannot say of a record."""

    writer: str
    """Who writes it, and where it lies."""
    lives: str
    """How long it lives."""


ORDER = "until `begin_before`; carried out once, and on record in the ledger for good"
LIVES: dict[str, dict[str, Life]] = {
    "What is recorded of a lane": {
        "Policy": Life("people, by a file that they propose", "until another revision is recorded"),
        "PolicyRevision": Life("the driver, into the store", "for good; none is ever changed"),
        "Marker": Life(
            "the guard, into the lane's database, as the driver signed it",
            "until the next stamp; it travels with every copy, and fits none of them",
        ),
        "MarkerRow": Life("the guard, into the lane's database", "as long as the marker"),
        "EngineTag": Life("the guard, as the database's comment", "as long as the database"),
        "FilestoreTag": Life("the guard, at the root of the files", "as long as the files"),
        "KeptData": Life("the driver, when a begin is seen", "until it is released or goes back"),
        "HostRecord": Life("the driver, from its store", "for one decision"),
    },
    "Tokens: what the control plane signs": {
        "Permit": Life("the driver at `start`", "15 minutes to begin; single use"),
        "PrepareOrder": Life("the driver before an enrolment", ORDER),
        "StampOrder": Life("the driver when a rebuild or a life is settled", ORDER),
        "UndoOrder": Life("the driver at `undo`", ORDER),
        "SetAsideOrder": Life("the driver when data is declared lost or retired", ORDER),
        "LowerOrder": Life("the driver when a loosened policy reaches the database", ORDER),
        "OpenOrder": Life("the driver for a capture, or for pg_upgrade", ORDER),
        "ReleaseOrder": Life("the driver at `release`", ORDER),
        "MaterialiseOrder": Life("the driver, for a guard that restores by itself", ORDER),
        "PruneOrder": Life("the driver, when backups are pruned", ORDER),
        "WitnessOrder": Life("the driver when it asks a running Odoo", "a minute"),
    },
    "A rebuild": {
        "Request": Life("whoever plans", "as long as its plan"),
        "PlanTarget": Life("the driver at `plan`; its digest is what people sign", "for good"),
        "Plan": Life("the driver at `plan`", "24 hours to be authorized and started"),
        "Decision": Life("the rule book, on both sides", "for good, in the ledger"),
        "Approval": Life("people, by SSH signature or host identity", "24 hours; used once"),
        "Receipt": Life("the guard, at the end of every call", "as long as the caller keeps it"),
        "RestoreSource": Life("the guard, for what materialises the data", "one begun rebuild"),
    },
    "Evidence": {
        "BackupGate": Life("the driver, of what the guard captured", "for good"),
        "DataProof": Life("the driver, of a drill", "for good"),
        "LoadProof": Life("the driver, of a drill", "for good"),
        "UpstreamDeclaration": Life("`lane-authority tenant record`", "until the next one"),
        "TenantDeclaration": Life(
            "the tenant, in its repository and image", "as long as that image"
        ),
    },
    "Readings and views": {
        "LaneReading": Life("the guard, at `show`", "one question"),
        "RuntimeReading": Life("the running Odoo, over HTTP", "one question"),
        "Observation": Life("either side, from its readings", "one decision"),
        "LaneView": Life("the driver, for screens", "one question"),
        "DriverDescriptor": Life("the driver, for Launchplane's screens", "one version"),
    },
}


def page() -> str:
    """The text of the page."""
    models = {model.__name__: model for model in public_models()}
    parts = [HEAD]
    for title, records in LIVES.items():
        parts.append(f"## {title}\n\n")
        parts += [_section(models[name], life) for name, life in records.items()]
    return "".join(parts).rstrip() + "\n"


def _section(model: type[Contract], life: Life) -> str:
    words = " ".join(inspect.cleandoc(model.__doc__ or "").split())
    rows = [
        f"| `{field}` | {_kind(part)} | {_cell(part.get('description', ''))} |"
        for field, part in schema_of(model)["properties"].items()
    ]
    lines = (
        f"### {model.__name__}",
        "",
        f"{words} Written by {life.writer}. Lives {life.lives}. "
        f"[Schema](schemas/{schema_name(model)}.json).",
        "",
        "| field | type | meaning |",
        "|---|---|---|",
        *rows,
    )
    return "\n".join(lines) + "\n\n"


def _kind(part: dict[str, Any]) -> str:
    """What a part of a schema takes, in a word or a link."""
    if "$ref" in part:
        file = part["$ref"]
        if not file.endswith(".json"):
            return f"`{file.rsplit('/', 1)[-1]}`"
        return f"[{file.removesuffix('.json')}](schemas/{file})"
    for several in ("anyOf", "oneOf"):
        if several in part:
            return " or ".join(dict.fromkeys(_kind(each) for each in part[several]))
    if "const" in part:
        return f"`{json.dumps(part['const'])}`"
    if "enum" in part:
        return " or ".join(f"`{each}`" for each in part["enum"])
    if part.get("type") == "array":
        return f"list of {_kind(part.get('items', {}))}"
    if part.get("type") == "null":
        return "none"
    return str(part.get("format") or part.get("type") or "any")


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def main() -> None:
    """Write it."""
    PAGE.write_text(page(), encoding="utf-8")
