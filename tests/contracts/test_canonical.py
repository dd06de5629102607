"""One value has one sequence of bytes, one digest, and comes back as it went."""

import json
import typing

import pytest
from pydantic import ValidationError

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.docstrings import field_docstrings
from launchplane_lane_contracts.orders import ANY_ORDER, Permit, StampOrder, header_type

from .cases import LANE, NOW, OTHER_LANE, a_policy, changed
from .every_model import PLAN, TARGET, VALUES, public_models
from .readings import a_permit, a_stamp

GOLDEN_TARGET = "608d4bd5d6286dea3014cf95bfbe183bb4a2b3262387fa6123177defe943bf63"
GOLDEN_POLICY = "ca4b83d426ca7bf4d81da1b3f4cbdccd1570fec0affc9d385e26767d2b103929"


def test_every_public_model_has_a_value_here() -> None:
    missing = {model.__name__ for model in public_models()} - {
        type(value).__name__ for value in VALUES
    }
    assert missing == set()


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_it_comes_back_as_it_went(value: Contract) -> None:
    model = type(value)
    for back in (
        model.from_json(value.canonical()),
        model.from_json(value.canonical().decode()),
        model.from_plain(value.to_plain()),
        model.from_plain(json.loads(value.canonical())),
    ):
        assert back == value
        assert back.canonical() == value.canonical()
        assert back.digest() == value.digest()


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_it_is_closed_to_keys_that_it_does_not_know(value: Contract) -> None:
    with pytest.raises(ValidationError):
        type(value).from_plain({**value.to_plain(), "surprise": 1})


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_it_cannot_be_changed(value: Contract) -> None:
    name = next(iter(type(value).model_fields))
    with pytest.raises(ValidationError):
        setattr(value, name, getattr(value, name))


@pytest.mark.parametrize("model", sorted(public_models(), key=str))
def test_every_field_is_explained(model: type[Contract]) -> None:
    assert model.__doc__
    explained = field_docstrings(model)
    assert all(explained.get(name) for name in model.model_fields), model.__name__


def test_canonical_bytes() -> None:
    assert LANE.canonical() == b'{"context":"cm","instance":"prod","product":"odoo-tenant-cm"}'
    text = VALUES[-1].canonical().decode()
    assert "Größe" in text
    assert ": " not in text.replace("Größe: 5", "")


def test_digests_never_change() -> None:
    """People have signed such digests: another one for the same value needs another version."""
    assert TARGET.digest() == GOLDEN_TARGET
    assert PLAN.plan_digest == GOLDEN_TARGET
    assert a_policy().digest() == GOLDEN_POLICY


def test_a_digest_covers_every_fact() -> None:
    assert changed(TARGET, "request.lane", OTHER_LANE).digest() != TARGET.digest()
    assert changed(TARGET, "request.attest_runtime", True).digest() != TARGET.digest()
    assert changed(TARGET, "database_oid", 1).digest() != TARGET.digest()


def test_one_kind_of_order_is_never_taken_for_another() -> None:
    assert isinstance(ANY_ORDER.validate_json(a_permit().canonical()), Permit)
    assert isinstance(ANY_ORDER.validate_json(a_stamp().canonical()), StampOrder)
    for kind in ("permit", "undo", "prepare", "lower", "open", "release", "", "witness"):
        plain = {**a_stamp().to_plain(), "kind": kind}
        with pytest.raises(ValidationError):
            ANY_ORDER.validate_json(json.dumps(plain))
    kinds = {typing.get_args(model.model_fields["kind"].annotation)[0] for model in _kinds()}
    assert len({header_type(kind) for kind in kinds}) == len(_kinds()) == 11


def _kinds() -> list[type[Contract]]:
    """The orders."""
    return [
        model
        for model in public_models()
        if "kind" in model.model_fields and model.__name__.endswith(("Order", "Permit"))
    ]


def test_an_instant_is_utc() -> None:
    plain = a_stamp().to_plain()
    assert plain["issued_at"].endswith("Z")
    for text in ("2026-03-01T02:00:00", "2026-03-01T03:00:00+01:00", NOW.timestamp()):
        with pytest.raises(ValidationError):
            StampOrder.from_plain({**plain, "issued_at": text})


@pytest.mark.parametrize(
    "text",
    [
        "1800000000",
        "-1",
        "2026",
        "now",
        "",
        "2026-03-01",
        "2026-13-01T00:00:00Z",
        "20260301T000000Z",
    ],
)
def test_what_is_no_instant_with_a_time_and_a_zone_is_refused(text: str) -> None:
    """Text of digits alone would be read as seconds since 1970, which nobody has meant."""
    gate = next(value for value in VALUES if type(value).__name__ == "BackupGate")
    with pytest.raises(ValidationError) as caught:
        type(gate).from_plain({**gate.to_plain(), "snapshot_at": text})
    assert [each["loc"] for each in caught.value.errors()] == [("snapshot_at",)]
