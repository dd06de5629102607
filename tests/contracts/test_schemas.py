"""The schemas in docs/schemas are those of the models, and take exactly what the models write."""

import json
from typing import Any, get_args

import jsonschema
import pytest
from referencing import Registry, Resource

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.orders import SignedOrder, WitnessOrder
from launchplane_lane_contracts.schemas import public_models, schema_name
from tests import records_page
from tests.schemas import FOLDER, schema_files

from .every_model import VALUES


def written() -> dict[str, str]:
    """What stands in docs/schemas."""
    return {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json")}


def validator(model: type[Contract]) -> Any:
    """One that checks JSON by the model's file, and by those that it refers to."""
    files = {name: json.loads(text) for name, text in written().items()}
    known = Registry().with_resources(
        (name, Resource.from_contents(schema)) for name, schema in files.items()
    )
    return jsonschema.Draft202012Validator(files[f"{schema_name(model)}.json"], registry=known)


def test_they_are_those_of_the_models() -> None:
    files, made = written(), schema_files()
    assert sorted(files) == sorted(made), "run `make schemas`"
    assert [name for name in files if files[name] != made[name]] == [], "run `make schemas`"


def test_the_page_of_records_is_that_of_the_models() -> None:
    page = records_page.PAGE.read_text(encoding="utf-8")
    assert page == records_page.page(), "run `make schemas`"
    told = {name for records in records_page.LIVES.values() for name in records}
    # Every token that is signed stands there, whatever is added later.
    assert {model.__name__ for model in (*get_args(SignedOrder), WitnessOrder)} <= told


def test_they_are_schemas_and_every_name_is_one_models() -> None:
    assert len({model.__name__ for model in public_models()}) == len(schema_files()) > 60
    for text in written().values():
        jsonschema.Draft202012Validator.check_schema(json.loads(text))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_they_take_what_the_models_write(value: Contract) -> None:
    check = validator(type(value))
    check.validate(value.to_plain())
    assert not check.is_valid({**value.to_plain(), "surprise": 1})
    for name, field in type(value).model_fields.items():
        if field.is_required():
            without = {key: each for key, each in value.to_plain().items() if key != name}
            assert not check.is_valid(without), name


def test_names() -> None:
    assert {schema_name(model) for model in public_models()} >= {"policy", "backup-gate"}
