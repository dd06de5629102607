"""Backups of the lanes: captured, proven, listed and pruned through the guard, on the record."""
