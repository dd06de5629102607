"""Launchplane's own functions in place of the stand-in's, where somebody has them.

LAUNCHPLANE_WORKFLOWS is a comma-separated list of modules, such as
`launchplane.workflows.odoo_stable_bootstrap,launchplane.workflows.odoo_prod_rollback`: each
function is taken from the first one that has it, and from the stand-in where none does.
"""

import importlib
import os
from collections.abc import Callable, Mapping
from typing import Any

from tests.standins import launchplane

VARIABLE = "LAUNCHPLANE_WORKFLOWS"

KEYWORDS: Mapping[str, frozenset[str]] = {
    "execute_odoo_stable_bootstrap": frozenset({"env_file", "dokploy_request"}),
    "execute_odoo_stable_target_replacement_apply": frozenset({"dokploy_request"}),
    "execute_odoo_prod_rollback": frozenset({"product", "target", "hold_uncertain_effects"}),
    "execute_odoo_prod_promotion_run": frozenset({"state_dir", "database_url", "phase_checkpoint"}),
    "execute_odoo_prod_backup_restore_apply": frozenset({"operation_id", "phase_checkpoint"}),
    "execute_odoo_prod_retained_volume_backup_import_apply": frozenset(
        {"operation_id", "reviewed_plan", "phase_checkpoint"}
    ),
}
"""What each workflow takes beside what all of them take."""

COMMON_KEYWORDS = frozenset(
    {"control_plane_root", "record_store", "request", "provider_effect_checkpoint"}
)


def workflow(name: str) -> Callable[..., Any]:
    """One of Launchplane's `execute_*` functions."""
    named = [each.strip() for each in os.environ.get(VARIABLE, "").split(",") if each.strip()]
    for module in (*map(importlib.import_module, named), launchplane):
        found = getattr(module, name, None)
        if found is not None:
            return found  # type: ignore[no-any-return]
    raise LookupError(name)
