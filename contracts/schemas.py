"""The JSON Schema of every public model. Only what the models say, whatever pydantic adds to it."""

import importlib
import pkgutil
import re
from typing import Any

from .contract import Contract, VersionedContract
from .docstrings import field_docstrings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def public_models() -> tuple[type[Contract], ...]:
    """Every model that a module of this package defines, but for the bases, by name."""
    package = importlib.import_module(__package__)
    found: set[type[Contract]] = set()
    for each in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(each.name)
        found |= {
            value
            for name, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, Contract) and not name.startswith("_")
        }
    return tuple(sorted(found - {Contract, VersionedContract}, key=lambda model: model.__name__))


def schema_name(model: type[Contract]) -> str:
    """The model's name as a file is called: `BackupGate` is `backup-gate`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", model.__name__).lower()


def schema_of(model: type[Contract]) -> dict[str, Any]:
    """What JSON the model reads. Other models in it are referred to by the name of their file.

    What a rule between fields refuses, a schema cannot say.
    """
    files = {each.__name__: f"{schema_name(each)}.json" for each in public_models()}
    plain = model.model_json_schema()
    for name, text in field_docstrings(model).items():
        plain["properties"][name]["description"] = text
    words = plain.pop("$defs", {})
    used: set[str] = set()
    schema = {"$schema": DIALECT, "title": model.__name__, **_tidied(plain, files, used)}
    if used:
        schema["$defs"] = {name: _tidied(words[name], files, used) for name in sorted(used)}
    return schema


def _tidied(schema: dict[str, Any], files: dict[str, str], used: set[str]) -> dict[str, Any]:
    """Without what versions of pydantic write apart: titles, and defaults that are objects.

    The names of definitions that are no models of ours are added to `used`.
    """
    tidied: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "title" or (key == "default" and isinstance(value, dict | list)):
            continue
        if key == "$ref":
            name = value.rsplit("/", 1)[-1]
            tidied[key] = files.get(name, value)
            used |= {name} - set(files)
        elif key == "properties":
            tidied[key] = {name: _tidied(inner, files, used) for name, inner in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            tidied[key] = _tidied(value, files, used)
        elif key in ("anyOf", "oneOf"):
            tidied[key] = [_tidied(inner, files, used) for inner in value]
        elif key == "description":
            tidied[key] = " ".join(value.split())
        elif key != "discriminator":
            tidied[key] = value
    return tidied
