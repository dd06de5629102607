"""Restores beside the lane, releases with proof, and what is never lost."""
