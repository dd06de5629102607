"""Copies, restores and mix-ups of a database: each is seen for what it is, and refused."""
