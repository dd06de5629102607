"""What the lane's environment says: which lane, which database, which files, which keep."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.naming import LONGEST_NAME, is_side_name
from launchplane_lane_contracts.reading import RuntimeIdentity

IDENTITY_VARIABLE = "LAUNCHPLANE_RUNTIME_IDENTITY_JSON"
KEEP_VARIABLE = "LANE_AUTHORITY_KEEP"
BACKUPS_VARIABLE = "LANE_AUTHORITY_BACKUPS"
PUBLIC_KEYS_VARIABLE = "LANE_AUTHORITY_PUBLIC_KEYS"
DECLARATION_VARIABLE = "LANE_AUTHORITY_TENANT_DECLARATION"
"""Names the file in the image that the tenant's repository keeps."""
LONGEST_PATH = 4096
SCRATCH_PREFIX = "lane_authority_scratch_"
"""How the names of databases begin that are dropped without asking; no lane's may be one."""
SERVER_DATABASES = frozenset({"postgres", "template0", "template1"})
"""The databases that a server has from its beginning; the guard works from one of them."""


@dataclass(frozen=True)
class GuardSettings:
    """The lane's environment, read once."""

    host: str
    port: int
    user: str
    password: str
    database: DatabaseName
    filestore: Path
    """The lane's own folder: the one that is named after its database."""
    keep: Path | None
    public_keys: Path | None
    identity: RuntimeIdentity | None
    identity_problem: str | None
    backups: Path | None = None
    """Where backups lie: on another volume than the files."""
    declaration: Path | None = None
    """The tenant's declaration in the image."""

    @property
    def lane(self) -> Lane | None:
        """The lane that the environment names."""
        return self.identity.lane if self.identity else None


def settings_from_environment(environment: Mapping[str, str] = os.environ) -> GuardSettings:
    """Read the variables that the lane's container has.

    Raises BadInput that names every variable that is missing or makes no sense.
    """
    faults: list[str] = []

    def needed(name: str) -> str:
        value = environment.get(name, "")
        if not value:
            faults.append(f"{name} is not set")
        return value

    host = needed("ODOO_DB_HOST")
    user = needed("ODOO_DB_USER")
    database = needed("ODOO_DB_NAME")
    filestore = needed("ODOO_FILESTORE_PATH")
    port = environment.get("ODOO_DB_PORT") or environment.get("PGPORT") or "5432"
    if not (port.isdecimal() and len(port) <= 5):
        faults.append(f"ODOO_DB_PORT must be a number, not {port[:20]!r}")
    faults += _database_faults(database)
    keep = environment.get(KEEP_VARIABLE, "")
    backups = environment.get(BACKUPS_VARIABLE, "")
    declaration = environment.get(DECLARATION_VARIABLE, "")
    for name, path in (
        ("ODOO_FILESTORE_PATH", filestore),
        (KEEP_VARIABLE, keep),
        (BACKUPS_VARIABLE, backups),
        (DECLARATION_VARIABLE, declaration),
    ):
        if path and not path.startswith("/"):
            faults.append(f"{name} must be an absolute path, not {path!r}")
        elif len(path) > LONGEST_PATH:
            faults.append(f"{name} is longer than {LONGEST_PATH} characters")
    if faults:
        raise BadInput("The lane's environment is incomplete: " + "; ".join(faults) + ".")
    identity, identity_problem = runtime_identity(environment)
    keys = environment.get(PUBLIC_KEYS_VARIABLE, "")
    return GuardSettings(
        host=host,
        port=int(port),
        user=user,
        password=environment.get("ODOO_DB_PASSWORD", ""),
        database=DatabaseName(database),
        filestore=filestore_folder(Path(filestore), database),
        keep=Path(keep) if keep else None,
        public_keys=Path(keys) if keys else None,
        identity=identity,
        identity_problem=identity_problem,
        backups=Path(backups) if backups else None,
        declaration=Path(declaration) if declaration else None,
    )


def _database_faults(name: str) -> list[str]:
    """Why this cannot be the name of a lane's database."""
    faults = []
    if len(name.encode(errors="replace")) > LONGEST_NAME:
        # PostgreSQL cuts a longer name off, so another database than the named one would answer.
        faults.append(f"ODOO_DB_NAME is longer than PostgreSQL's {LONGEST_NAME} bytes")
    if "/" in name or name in (".", ".."):
        faults.append(f"ODOO_DB_NAME {name!r} cannot be the name of a filestore folder")
    elif name.startswith("."):
        # Beside the kept folders, such a name is that of a copy on its way.
        faults.append(f"ODOO_DB_NAME {name!r} begins with a dot, so what is kept of it is not seen")
    if name.startswith(SCRATCH_PREFIX):
        faults.append(f"ODOO_DB_NAME is {name}, and what begins so is dropped as a scratch")
    if is_side_name(name):
        faults.append(f"ODOO_DB_NAME {name} is the name of a side database, which may be dropped")
    if name in SERVER_DATABASES:
        faults.append(f"ODOO_DB_NAME is {name}, which is the server's own and never a lane's")
    return faults


def filestore_folder(path: Path, database: str) -> Path:
    """The lane's folder: below the path, or the path itself when it ends in the database's name."""
    return path if path.name == database else path / database


def runtime_identity(
    environment: Mapping[str, str] = os.environ,
) -> tuple[RuntimeIdentity | None, str | None]:
    """The identity that Launchplane put into the environment, or why there is none."""
    text = environment.get(IDENTITY_VARIABLE, "")
    if not text:
        return None, f"{IDENTITY_VARIABLE} is not set"
    try:
        found = json.loads(text)
        lane = Lane(product=found["product"], context=found["context"], instance=found["instance"])
        return (
            RuntimeIdentity(
                lane=lane,
                **{
                    name: found.get(name, "")
                    for name in RuntimeIdentity.model_fields
                    if name != "lane"
                },
            ),
            None,
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        # pydantic's ValidationError is a ValueError. The value itself may not be shown.
        return None, f"{IDENTITY_VARIABLE} does not hold Launchplane's identity object"
