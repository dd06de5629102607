"""What is new in a lane since a backup of it, by the counters of its server."""

from launchplane_lane_contracts.evidence import BackupGate
from launchplane_lane_contracts.reading import ServerReading
from launchplane_lane_contracts.snapshot_place import NewSince, new_since


def since_backup(gate: BackupGate | None, server: ServerReading | None) -> NewSince | None:
    """What the server has written since; None where it is another one, or nobody counted."""
    if gate is None or gate.snapshot is None or server is None or server.place is None:
        return None
    if gate.system_identifier != server.system_identifier:
        return None
    return new_since(gate.snapshot, server.place)


def new_words(found: NewSince) -> str:
    """The same for people."""
    if not found.transactions:
        return "nothing: no transaction of the server has written since"
    return (
        f"{found.transactions:,} transaction(s) and {found.wal_bytes / 1e6:,.1f} MB of log on its "
        "server, all its databases together"
    )
