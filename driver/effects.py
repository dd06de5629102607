"""The destructive effects of Launchplane's workflows, in one list."""

BEGINNING_EFFECTS = frozenset(
    {
        "stable_bootstrap_schedule",
        "target_replacement_raw_source",
        "prod_rollback_deploy",
        "prod_promotion_deploy",
        "prod_backup_restore_volumes",
        "retained_volume_backup_import",
    }
)
"""Effects before which the data must be set aside. Before every other effect it must already be."""
