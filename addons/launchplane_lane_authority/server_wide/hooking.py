"""Putting something of ours in front of a function or method of Odoo, once and for the process."""

import functools
import logging

_logger = logging.getLogger(__name__)

_MARK = "_launchplane_lane_authority"


def put_before(owner, name, ours):
    """Let `ours(original, ...)` answer where `owner.name` did, with the same arguments.

    `owner` is a class or a module. Done twice it does nothing more. What is not there, since this
    Odoo is another one, is said in the log: a server that does not start helps nobody.
    """
    found = vars(owner).get(name)
    if found is None:
        _logger.error("%s has no %s, which cannot be held back then.", owner, name)
        return
    kind = type(found) if isinstance(found, staticmethod | classmethod) else None
    original = found.__func__ if kind else found
    if hasattr(original, _MARK):
        return

    @functools.wraps(original)
    def instead(*arguments, **keywords):
        return ours(original, *arguments, **keywords)

    setattr(instead, _MARK, True)
    setattr(owner, name, kind(instead) if kind else instead)


def is_put_before(owner, name):
    """Whether something of ours answers there."""
    found = vars(owner).get(name)
    return hasattr(getattr(found, "__func__", found), _MARK)
