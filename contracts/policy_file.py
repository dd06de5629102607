"""Reading policies from a file: one lane or many."""

from .lane_file import read_lanes
from .policy import Policy
from .text_file import TextFormat


def read_policies(content: bytes, text_format: TextFormat) -> tuple[Policy, ...]:
    """The policies in a file's bytes, in their order: one at the top level, or a list `lanes`.

    What a policy leaves out has its protective value. Raises Mistakes with every mistake of every
    lane; nothing is taken from a file that has one.
    """
    return read_lanes(content, text_format, Policy)
