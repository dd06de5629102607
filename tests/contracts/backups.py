"""A backup's manifest for tests, with one of everything in it."""

from datetime import timedelta
from typing import Any

from launchplane_lane_contracts.backup import (
    AddonVersion,
    BackupManifest,
    BackupSource,
    BackupVersions,
    DatabaseDump,
    DumpFile,
    DumpFormat,
    FilestoreContent,
    FilestoreFile,
    SequenceSpan,
)
from launchplane_lane_contracts.backup_answers import (
    BackupCaptured,
    BackupListed,
    BackupProven,
    BackupsListed,
    LoadAttempt,
)
from launchplane_lane_contracts.contract import Contract, Digest
from launchplane_lane_contracts.evidence import DataProof
from launchplane_lane_contracts.filestore_check import FilesCounted
from launchplane_lane_contracts.snapshot_place import SnapshotPlace

from .cases import DATABASE, DATABASE_OID, FILES, GENERATION, LANE, NOW, SERVER
from .fingerprints import A, B, a_fingerprint
from .readings import a_row

SPAN = SequenceSpan(schema_name="public", name="res_partner_id_seq", lowest=3, highest=7)
SNAPSHOT = SnapshotPlace(wal_position="0/15B2C98", transactions="731:735:731,733")
FILE = FilestoreFile(path="ab/" + "ab" * 20, size_bytes=3, sha1="ab" * 20, sha256=A)
DUMP = DatabaseDump(
    format=DumpFormat.DIRECTORY,
    files=(
        DumpFile(name="2134.dat.gz", size_bytes=9, sha256=A),
        DumpFile(name="toc.dat", size_bytes=5, sha256=B),
    ),
    database=DATABASE,
    database_size_bytes=8_000_000,
)
FILESTORE = FilestoreContent(
    count=1,
    size_bytes=3,
    list_sha256=A,
    files_digest=B,
    source_digest=Digest("c" * 64),
    lacking=("cd/cdef01",),
)
VERSIONS = BackupVersions(
    server=170004,
    dump_program="17.4",
    odoo="19.0.1.3",
    addons=(AddonVersion(name="base", version="19.0.1.3"), AddonVersion(name="web", version="")),
)


def a_manifest(**changed: Any) -> BackupManifest:
    """The manifest of a backup of the lane's live data."""
    found = {
        "lane": LANE,
        "source": BackupSource.LIVE,
        "marker": a_row(),
        "generation": GENERATION,
        "system_identifier": SERVER,
        "database_oid": DATABASE_OID,
        "filestore_path": FILES,
        "captured_at": NOW,
        "snapshot": SNAPSHOT,
        "versions": VERSIONS,
        "dump": DUMP,
        "fingerprint": a_fingerprint(),
        "moved_sequences": (SPAN,),
        "filestore": FILESTORE,
        "guard_version": "0.1.0",
    }
    return BackupManifest(**{**found, **changed})


GATE = a_manifest().gate()
PROOF = DataProof(
    backup_id=GATE.backup_id,
    manifest_digest=GATE.manifest_digest,
    proven_at=NOW,
    took=timedelta(seconds=81),
    fingerprint_digest=A,
    source_digest=B,
)
ATTEMPT = LoadAttempt(loaded=False, words="no module named x", took=timedelta(seconds=9))
LISTED = BackupListed(gate=GATE, source=BackupSource.KEPT, size_bytes=17)

BACKUP_VALUES: tuple[Contract, ...] = (
    a_manifest(),
    SPAN,
    SNAPSHOT,
    FILE,
    DUMP,
    DUMP.files[0],
    FILESTORE,
    VERSIONS,
    VERSIONS.addons[0],
    BackupCaptured(
        gate=GATE,
        source=BackupSource.LIVE,
        folder=FILES,
        database_bytes=14,
        filestore_bytes=3,
        files=1,
        rows=6,
        lacking=FilesCounted(count=1, names=("cd/cdef01",)),
        took=timedelta(seconds=12),
    ),
    BackupProven(
        backup_id=GATE.backup_id,
        data_proof=PROOF,
        load_proof=None,
        differences=("table public.res_partner: it is missing",),
        differences_count=1,
        load=ATTEMPT,
        restore_took=timedelta(seconds=60),
    ),
    ATTEMPT,
    LISTED,
    BackupsListed(
        folder=FILES,
        backups=(LISTED,),
        damaged=("0000: its manifest makes no sense",),
        others=1,
        free_bytes=10**12,
        listed_at=NOW,
    ),
)
"""One of each, for the tests of all models."""
