"""The commands of the guard, one file for each kind of work; registry.py lists them."""
