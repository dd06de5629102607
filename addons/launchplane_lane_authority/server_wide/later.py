"""Doing something with another addon's classes, once Odoo has imported it."""

import logging
import sys

from odoo.modules.registry import Registry

from .hooking import put_before

_logger = logging.getLogger(__name__)

_waiting: dict[str, list] = {}


def when_it_is_loaded(addon, action):
    """Call `action()` before the addon's classes get into a registry, or now if they may be in one.

    The addon itself is not imported for that: what this server does not use stays out of it. What
    the addon has not got, since it is another one than we know, is said in the log.
    """
    if f"odoo.addons.{addon}" in sys.modules:
        _do(addon, action)
        return
    _waiting.setdefault(addon, []).append(action)
    put_before(Registry, "load", _load)


def _load(original, registry, module):
    for action in _waiting.pop(module.name, ()):
        _do(module.name, action)
    return original(registry, module)


def _do(addon, action):
    try:
        action()
    except (ImportError, AttributeError) as problem:
        # A database that cannot be loaded helps nobody.
        _logger.error("%s is another one than is known; not held back: %s.", addon, problem)
