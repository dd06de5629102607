"""Tests of the words and the rule book: no input, no output, no clock."""
