"""The guard, tested by its effects on real PostgreSQL and real files."""
