"""The one error of this tool: a real part that can't be had."""


class RealPartMissing(Exception):
    """Something that the tests need is not there; the text says what was tried and what to do."""
