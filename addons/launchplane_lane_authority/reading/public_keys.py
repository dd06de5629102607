"""The control plane's public keys: from the environment or odoo.conf, never from the database."""

import os
from pathlib import Path

from odoo.tools import config

from ..guard.settings import PUBLIC_KEYS_VARIABLE
from ..guard.tokens import PublicKeys

CONFIGURATION_OPTION = "launchplane_public_keys"


def configured_public_keys() -> PublicKeys:
    """Read the keys.

    Raises CouldNotTell where none are configured or they cannot be read.
    """
    return PublicKeys.from_file(public_keys_path())


def public_keys_path() -> Path | None:
    """Where they lie; None where none are configured."""
    path = os.environ.get(PUBLIC_KEYS_VARIABLE) or config.get(CONFIGURATION_OPTION) or ""
    return Path(path) if path else None
