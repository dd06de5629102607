"""The guard's server and lanes."""

from tests.guard.conftest import bare, cluster, production, snapshots

__all__ = ["bare", "cluster", "production", "snapshots"]
