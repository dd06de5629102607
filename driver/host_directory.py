"""The folder that holds what the host keeps: configuration, approvers, keys and the store."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from launchplane_lane_contracts.errors import BadInput, CouldNotTell
from launchplane_lane_contracts.lane import Lane

from .durable import make_folder_durably, write_durably
from .lane_configuration import LaneConfiguration, read_host_configuration
from .ledger_head import GENESIS

LOCATION_VARIABLE = "LANE_AUTHORITY_HOST_DIRECTORY"
DATABASE_VARIABLE = "LANE_AUTHORITY_DATABASE_URL"

CONFIGURATION = """\
# Where each lane is. What may be done to it is its policy, which is not in this file.
#
# One table for each lane; every key down to guard_command must be there.
# No password belongs in this file.
#
# [[lanes]]
# lane = "odoo-tenant-cm/cm/prod"              # product/context/instance
# database = "cm"                              # the lane's database
# filestore_path = "/srv/odoo/filestore/cm"    # the folder of its files, as the guard sees it
# guard_command = ["docker", "exec", "-i", "cm-prod", "lane-authority-guard"]
# guard_timeout = 600                          # seconds
# runtime_url = "https://cm.example"           # where the running Odoo answers
# runtime_timeout = 10                         # seconds
# keep = "/srv/odoo/keep"                      # where the guard sets things aside; doctor compares
# connection = "postgresql://reader@db.example/cm"   # or a libpq service: the host reads for itself
# connection_timeout = 10                      # seconds
# password_command = ["pass", "show", "cm/reader"]   # or password_variable, or a pgpass file
"""

APPROVERS = """\
# People whose signatures count, in OpenSSH's allowed-signers format: one line for each key.
# One name for each line, and never a pattern: the name is the person, whatever the key.
# Times in valid-after and valid-before are in UTC.
#
# alice namespaces="launchplane-lane-authority" ssh-ed25519 AAAA...
"""


THRESHOLDS = """\
# Approvers asked for besides the one who asks. Lower numbers are for those who have fewer people;
# what is grave and lacks people waits for 24 hours instead. Like the approvers, these count only
# while they are what is on record (`lane-authority approvers propose`).
#
# consequential = 1    # setting authoritative data aside, moving or copying it
# grave = 2            # loosening a policy, giving authoritative data up, new approvers
"""


def default_path(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that is used when none is named: from the environment, else the user's own."""
    named = environment.get(LOCATION_VARIABLE)
    if named:
        return Path(named)
    base = environment.get("XDG_CONFIG_HOME", "")
    # The standard says that a relative path there is to be ignored.
    folder = Path(base) if base.startswith("/") else Path.home() / ".config"
    return folder / "lane-authority"


class HostDirectory:
    """The host's folder. `initialise` makes it, `open` uses one that is there."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).absolute()

    @classmethod
    def initialise(cls, path: Path | str) -> Self:
        """Make whatever is not there yet; nothing that is there is changed.

        It makes no signing key: `keys.create_signing_key` does. Raises CouldNotTell when the
        folder cannot be written.
        """
        host = cls(path)
        try:
            make_folder_durably(host.path, mode=0o700)
            make_folder_durably(host.keys, mode=0o700)
            for file, text, mode in (
                (host.configuration_file, CONFIGURATION, 0o644),
                (host.approvers_file, APPROVERS, 0o644),
                (host.thresholds_file, THRESHOLDS, 0o644),
                (host.public_keys_file, json.dumps({"keys": []}) + "\n", 0o644),
            ):
                with suppress(FileExistsError):
                    write_durably(file, text.encode(), mode=mode, replace=False)
            if not host.store_file.exists():
                # Beside a store that is there, a new head would hide that the old one is gone.
                with suppress(FileExistsError):
                    write_durably(host.head_file, GENESIS.canonical() + b"\n", replace=False)
        except OSError as error:
            raise CouldNotTell(
                f"The host directory {host.path} could not be made: {error}. Name a folder that "
                f"this user may write, with --host-directory or {LOCATION_VARIABLE}."
            ) from error
        return host

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Use the folder that is there.

        Raises BadInput when it is none, or not one of ours.
        """
        host = cls(path)
        if not host.configuration_file.is_file() or not host.keys.is_dir():
            raise BadInput(
                f"{host.path} is not a host directory. Make it with `lane-authority init`, or name "
                f"another with --host-directory or {LOCATION_VARIABLE}."
            )
        return host

    @property
    def configuration_file(self) -> Path:
        """Where each lane is."""
        return self.path / "lane-authority.toml"

    @property
    def approvers_file(self) -> Path:
        """Whose signatures count; OpenSSH's allowed-signers format."""
        return self.path / "approvers"

    @property
    def thresholds_file(self) -> Path:
        """How many approvers are asked for, where that is fewer than usual."""
        return self.path / "thresholds.toml"

    @property
    def keys(self) -> Path:
        """The folder of the keys and of the ledger's head."""
        return self.path / "keys"

    @property
    def public_keys_file(self) -> Path:
        """The keys that verify our tokens, as a JSON Web Key Set."""
        return self.keys / "public.jwks.json"

    @property
    def revoked_keys_file(self) -> Path:
        """The names of the keys that verify nothing any more."""
        return self.keys / "revoked.json"

    @property
    def head_file(self) -> Path:
        """The ledger's head, kept apart from the ledger."""
        return self.keys / "ledger-head.json"

    @property
    def store_file(self) -> Path:
        """The store, where it is SQLite."""
        return self.path / "store.sqlite3"

    @property
    def store_url(self) -> str:
        """The store's address for SQLAlchemy; it may hold a password, so it is never shown."""
        return os.environ.get(DATABASE_VARIABLE) or f"sqlite:///{self.store_file}"

    def lanes(self) -> dict[Lane, LaneConfiguration]:
        """Every configured lane.

        Raises BadInput with all mistakes in the file.
        """
        configuration = read_host_configuration(self.configuration_file)
        return {each.lane: each for each in configuration.lanes}

    def lane(self, lane: Lane) -> LaneConfiguration:
        """One lane.

        Raises BadInput when the file has no such lane.
        """
        known = self.lanes()
        if lane not in known:
            names = ", ".join(sorted(str(each) for each in known)) or "none"
            raise BadInput(
                f"Lane {lane} is not configured in {self.configuration_file} (there: {names}). "
                f'Add a [[lanes]] table with lane = "{lane}", database, filestore_path and '
                "guard_command."
            )
        return known[lane]
