"""What Launchplane's screens are told of this driver, and of its actions on one lane."""

from collections.abc import Mapping, Sequence

from launchplane_lane_contracts.descriptor import (
    ActionSafety,
    ActionScope,
    DriverAction,
    DriverCapability,
    DriverDescriptor,
    SettingGroup,
)
from launchplane_lane_contracts.reasons import Reason

DRIVER_ID = "odoo-lane-authority"
BASE_DRIVER_ID = "odoo"


def _action(
    action_id: str,
    label: str,
    description: str,
    safety: ActionSafety,
    *,
    scope: ActionScope = ActionScope.LANE,
    writes: tuple[str, ...] = (),
    visible: bool = True,
) -> DriverAction:
    return DriverAction(
        action_id=action_id,
        label=label,
        description=description,
        scope=scope,
        route_path=f"/v1/drivers/{DRIVER_ID}/{action_id.replace('_', '-')}",
        method="GET" if safety is ActionSafety.READ else "POST",
        authz_action=f"odoo_lane_authority.{action_id}",
        safety=safety,
        operator_visible=visible,
        writes_records=writes,
    )


ACTIONS: tuple[DriverAction, ...] = (
    _action(
        "lane_view",
        "Lane",
        "What one lane is, what it may be rebuilt from, and what is kept.",
        ActionSafety.READ,
    ),
    _action(
        "lane_views",
        "Lanes",
        "The same of every lane.",
        ActionSafety.READ,
        scope=ActionScope.HOST,
    ),
    _action(
        "review_rebuild",
        "Plan a rebuild",
        "Reads the lane and says what a rebuild would do and whether it may. Changes no lane.",
        ActionSafety.SAFE_WRITE,
        writes=("proposal", "ledger_entry"),
    ),
    _action(
        "approve",
        "Approve",
        "Records the approval of somebody whom Launchplane has authenticated.",
        ActionSafety.SAFE_WRITE,
        scope=ActionScope.HOST,
        writes=("approval", "ledger_entry"),
    ),
    _action(
        "authorize_rebuild",
        "Authorize a rebuild",
        "Reads and decides again, and claims the lane for a reviewed plan.",
        ActionSafety.MUTATION,
        writes=("operation", "ledger_entry"),
    ),
    _action(
        "before_provider_effect",
        "Begin a rebuild",
        "Signs the permit and has the old data set aside, just before the provider acts.",
        ActionSafety.DESTRUCTIVE,
        scope=ActionScope.OPERATION,
        writes=("operation", "permit", "kept_data", "ledger_entry"),
        visible=False,
    ),
    _action(
        "finish_rebuild",
        "Finish a rebuild",
        "Checks what came, asks both witnesses, and settles; or records that it failed.",
        ActionSafety.MUTATION,
        scope=ActionScope.OPERATION,
        writes=("operation", "ledger_entry"),
    ),
    _action(
        "undo_rebuild",
        "Undo a rebuild",
        "Puts the old data back; what stands there instead is kept.",
        ActionSafety.DESTRUCTIVE,
        scope=ActionScope.OPERATION,
        writes=("operation", "kept_data", "ledger_entry"),
    ),
    _action(
        "record_evidence",
        "Record a backup or a proof",
        "Puts a backup gate, a proof of it, or a declared upstream source on record.",
        ActionSafety.SAFE_WRITE,
        writes=("evidence", "ledger_entry"),
        visible=False,
    ),
)
"""Every action, in the order of a rebuild."""

CAPABILITIES: tuple[DriverCapability, ...] = (
    DriverCapability(
        capability_id="lane_authority",
        label="Lane authority",
        description="Says whose data a lane holds and what may be done to it.",
        actions=("lane_view", "lane_views"),
    ),
    DriverCapability(
        capability_id="guarded_rebuild",
        label="Guarded rebuild",
        description="Refuses what the policy does not allow, and sets aside what is replaced.",
        actions=(
            "review_rebuild",
            "approve",
            "authorize_rebuild",
            "before_provider_effect",
            "finish_rebuild",
            "undo_rebuild",
        ),
    ),
    DriverCapability(
        capability_id="backup_evidence",
        label="Backup evidence",
        description="Keeps what is known of backups, and judges plans by it.",
        actions=("record_evidence",),
    ),
)
"""What the driver is good for."""

SETTING_GROUPS: tuple[SettingGroup, ...] = (
    SettingGroup(
        group_id="authority",
        label="Authority",
        description="Whether the lane's data is the only true copy, and until when it is not.",
        fields=("rollout_state", "authoritative_data", "provisional_until"),
    ),
    SettingGroup(
        group_id="sources",
        label="Rebuild sources",
        description="What the lane may be rebuilt from.",
        fields=("bootstrap_empty_allowed", "restore_from_upstream_allowed", "upstream_source"),
    ),
    SettingGroup(
        group_id="requirements",
        label="Requirements",
        description="What is asked for before data is replaced, and how long it is kept.",
        fields=(
            "requires_backup_before_destroy",
            "requires_restore_proof",
            "requires_runtime_identity",
            "backup_max_age",
            "replaced_kept_for",
        ),
    ),
    SettingGroup(
        group_id="target",
        label="Provider target",
        description="What the provider must be about to change.",
        fields=("provider_target",),
    ),
)
"""The policy's fields, each in one group."""


def descriptor(
    disabled: Mapping[str, Sequence[Reason]] | None = None,
) -> DriverDescriptor:
    """The driver; actions in `disabled` carry the reasons why they cannot be asked for now."""
    why_not = {name: tuple(reasons) for name, reasons in (disabled or {}).items() if reasons}
    return DriverDescriptor(
        driver_id=DRIVER_ID,
        base_driver_id=BASE_DRIVER_ID,
        label="Odoo lane authority",
        product="",
        description="Decides, on the record, what may be done to an Odoo lane's data.",
        context_patterns=("*",),
        provider_boundary="Reads lanes and has the guard set data aside; the provider makes the "
        "new data and runs Odoo.",
        capabilities=CAPABILITIES,
        actions=tuple(
            each.model_copy(update={"enabled": False, "disabled_reasons": why_not[each.action_id]})
            if each.action_id in why_not
            else each
            for each in ACTIONS
        ),
        setting_groups=SETTING_GROUPS,
    )
