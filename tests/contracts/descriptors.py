"""A driver as screens read it, with one action that cannot be asked for."""

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.descriptor import (
    ActionSafety,
    ActionScope,
    DriverAction,
    DriverCapability,
    DriverDescriptor,
    SettingGroup,
)

from .provocations import PROVOCATIONS

LOOKING = DriverAction(
    action_id="lane_view",
    label="Lane",
    description="Shows a lane.",
    scope=ActionScope.LANE,
    route_path="/v1/drivers/odoo-lane-authority/lane-view",
    method="GET",
    authz_action="odoo_lane_authority.lane_view",
    safety=ActionSafety.READ,
    operator_visible=True,
)
REBUILDING = DriverAction(
    action_id="authorize_rebuild",
    label="Authorize",
    description="Claims a lane.",
    scope=ActionScope.LANE,
    route_path="/v1/drivers/odoo-lane-authority/authorize-rebuild",
    method="POST",
    authz_action="odoo_lane_authority.authorize_rebuild",
    safety=ActionSafety.MUTATION,
    operator_visible=True,
    writes_records=("operation",),
    enabled=False,
    disabled_reasons=PROVOCATIONS[0].provoked().decide().reasons,
)
CAPABILITY = DriverCapability(
    capability_id="lane_authority",
    label="Lane authority",
    description="Says whose data a lane holds.",
    actions=("lane_view",),
)
GROUP = SettingGroup(
    group_id="authority", label="Authority", description="Whose data it is.", fields=("lane",)
)
DESCRIPTOR = DriverDescriptor(
    driver_id="odoo-lane-authority",
    base_driver_id="odoo",
    label="Odoo lane authority",
    product="",
    description="Decides.",
    context_patterns=("*",),
    provider_boundary="Reads only.",
    capabilities=(CAPABILITY,),
    actions=(LOOKING, REBUILDING),
    setting_groups=(GROUP,),
)
DESCRIPTOR_VALUES: tuple[Contract, ...] = (DESCRIPTOR, LOOKING, REBUILDING, CAPABILITY, GROUP)
