"""Doing something with another addon's classes, once Odoo has imported it."""

import sys

from odoo.modules.registry import Registry

from .hooking import put_before

_waiting: dict[str, list] = {}


def when_it_is_loaded(addon, action):
    """Call `action()` before the addon's classes get into a registry, or now if they may be in one.

    The addon itself is not imported for that: what this server does not use stays out of it.
    """
    if f"odoo.addons.{addon}" in sys.modules:
        action()
        return
    _waiting.setdefault(addon, []).append(action)
    put_before(Registry, "load", _load)


def _load(original, registry, module):
    for action in _waiting.pop(module.name, ()):
        action()
    return original(registry, module)
