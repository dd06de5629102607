"""The rule book's decisions, by the rule book and by others."""
