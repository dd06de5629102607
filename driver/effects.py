"""The destructive effects of Launchplane's workflows, in one list."""

from collections.abc import Mapping

from launchplane_lane_contracts.vocabulary import DataSource, Operation

_EXISTING = frozenset({(Operation.RECREATE, DataSource.EXISTING)})

BEGUN_BY_HAND = "lane_authority_start"
"""The name of the effect of `start` and `retry` on the command line, told to the other drivers."""

BEGINNING_EFFECTS: Mapping[str, frozenset[tuple[Operation, DataSource]]] = {
    "stable_bootstrap_schedule": frozenset(
        {(Operation.BOOTSTRAP, DataSource.EMPTY), (Operation.RECREATE, DataSource.EMPTY)}
    ),
    # One effect for all modes of the replacement; the mode itself is not told.
    "target_replacement_raw_source": frozenset(
        {
            (Operation.RECREATE, DataSource.EXISTING),
            (Operation.RECREATE, DataSource.EMPTY),
            (Operation.RECREATE, DataSource.UPSTREAM_RESTORE),
        }
    ),
    "prod_rollback_deploy": _EXISTING,
    "prod_promotion_deploy": _EXISTING,
    "prod_backup_restore_volumes": frozenset({(Operation.RESTORE, DataSource.BACKUP_RESTORE)}),
    "retained_volume_backup_import": _EXISTING,
}
"""Effects before which the data must be set aside, and the requests that each may carry out.

Before every other effect it must already be. An operation that lets the data stay must never open
the way to a workflow that drops it.
"""
