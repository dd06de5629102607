"""The lives of a lane, on real PostgreSQL: each by its effect, and its way on to the end."""
