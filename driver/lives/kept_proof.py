"""What is on record of a backup of kept data: the place where a release asks for its proof."""

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.orders import ProvenByBackup

from ..store.store import Store


def proof_of_kept(store: Store, lane: Lane, kept: DatabaseName) -> ProvenByBackup | None:
    """The proof that a backup of exactly this kept data gave the same rows and files.

    None for now: what the store has on record of backups says nothing yet of the fingerprint and
    the files that a release compares, so authoritative kept data goes only by being given up.
    """
    del store, lane, kept
    return None
