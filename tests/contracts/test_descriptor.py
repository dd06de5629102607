"""A descriptor holds together: routes, rights, and the reasons of what cannot be asked for."""

from typing import Any

import pytest
from pydantic import ValidationError

from launchplane_lane_contracts.descriptor import DriverAction, DriverDescriptor

from .descriptors import CAPABILITY, DESCRIPTOR, LOOKING, REBUILDING


@pytest.mark.parametrize(
    "changed",
    [
        {"enabled": False},
        {"disabled_reasons": [each.to_plain() for each in REBUILDING.disabled_reasons]},
        {"method": "POST"},
        {"safety": "mutation"},
        {"writes_records": ["operation"]},
        {"route_path": "/v2/drivers/odoo-lane-authority/lane-view"},
        {"authz_action": "everything"},
        {"safety": "harmless"},
    ],
)
def test_an_action_that_does_not_hold_together(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DriverAction.from_plain({**LOOKING.to_plain(), **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"actions": [LOOKING.to_plain(), LOOKING.to_plain()]},
        {"capabilities": [{**CAPABILITY.to_plain(), "actions": ["drop"]}]},
        {"driver_id": "another"},
        {"context_patterns": []},
    ],
)
def test_a_descriptor_that_does_not_hold_together(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DriverDescriptor.from_plain({**DESCRIPTOR.to_plain(), **changed})


def test_an_action_is_found_by_its_name() -> None:
    assert DESCRIPTOR.action("authorize_rebuild") == REBUILDING
    with pytest.raises(KeyError):
        DESCRIPTOR.action("drop")
