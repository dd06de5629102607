"""A proof is given for what was captured, and for nothing else; what differs is named."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from launchplane_lane_contracts.backup_answers import BackupProven
from launchplane_lane_contracts.contract import BackupId, DatabaseName
from launchplane_lane_contracts.errors import CouldNotTell, LaneAuthorityError
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_guard.backups_folder import Backup
from launchplane_lane_guard.database import connected
from launchplane_lane_guard.lane_fingerprint import fingerprint_lane
from launchplane_lane_guard.prove import prove
from launchplane_lane_guard.scratch import drop_abandoned, scratch_database
from launchplane_lane_guard.settings import SCRATCH_PREFIX, GuardSettings
from tests.backups.conftest import Standing
from tests.backups.forging import copy_of, dumped_with, flip, restored, signed_again
from tests.guard import fingerprint
from tests.guard.attachments import name_of
from tests.guard.estate import LANE
from tests.real.postgres import QUICKLY, PrivateCluster


def scratches(cluster: PrivateCluster) -> set[str]:
    """The scratch databases on the server."""
    return {name for name in fingerprint.databases(cluster) if name.startswith(SCRATCH_PREFIX)}


def proving(settings: GuardSettings, backup: Backup, *command: str) -> BackupProven:
    return prove(settings, backup.manifest.backup_id, load_command=command)


@pytest.fixture
def copied(standing: Standing, backups: Path) -> Iterator[tuple[GuardSettings, Backup]]:
    """A copy of the standing backup that may be damaged; nothing is left of the scratch."""
    yield replace(standing.settings, backups=backups), copy_of(standing.backup, backups)
    assert scratches(standing.lane.cluster) == set()
    assert not [*backups.glob(".partial-*")]


def test_what_was_captured_is_proven(standing: Standing) -> None:
    found = proving(standing.settings, standing.backup)
    manifest, proof = standing.backup.manifest, found.data_proof
    assert (found.differences, found.load, found.load_proof) == ((), None, None)
    assert proof is not None
    assert (proof.backup_id, proof.manifest_digest) == (manifest.backup_id, manifest.digest())
    assert proof.fingerprint_digest == fingerprint_lane(standing.settings).digest()
    assert proof.took is not None
    assert proof.took > found.restore_took
    assert scratches(standing.lane.cluster) == set()


FORGED = {
    "a row": (
        "UPDATE res_partner SET name = 'another' WHERE id = 7",
        "table public.res_partner: 50 rows as before, with other content",
    ),
    "two rows swapped": (
        "UPDATE res_partner SET name = CASE id WHEN 7 THEN 'old 8' ELSE 'old 7' END "
        "WHERE id IN (7, 8)",
        "table public.res_partner: 50 rows as before, with other content",
    ),
    "a row less": (
        "DELETE FROM res_partner WHERE id = 50",
        "table public.res_partner: 49 rows instead of 50",
    ),
    "a table": ("DROP TABLE extra.notes", "table extra.notes: it is missing"),
    "a sequence": (
        "SELECT setval('res_partner_id_seq', 51)",
        "sequence public.res_partner_id_seq: it stands at 51 instead of 50",
    ),
    "a large object": (
        "SELECT lo_put(70001, 0, 'X')",
        "large objects: 1 as before, with other oids or content",
    ),
    "an attachment's row": (
        f"UPDATE ir_attachment SET store_fname = '{name_of(b'other')}' WHERE id = (SELECT "
        "max(id) FROM ir_attachment)",
        f"file {name_of(b'other')}: the restored database names it, and it was not captured",
    ),
    "the marker": (
        "UPDATE launchplane_lane_marker SET generation = 99",
        "the marker's row: it differs",
    ),
}


@pytest.fixture(scope="module")
def origin(standing: Standing) -> Iterator[str]:
    """The standing backup's data, restored."""
    with restored(standing.lane.cluster, standing.backup) as name:
        yield name


@pytest.mark.full
@pytest.mark.parametrize("damage", FORGED)
def test_other_data_under_a_fitting_manifest_is_named(
    origin: str, copied: tuple[GuardSettings, Backup], cluster: PrivateCluster, damage: str
) -> None:
    settings, backup = copied
    statement, words = FORGED[damage]
    found = proving(settings, dumped_with(cluster, origin, backup, statement))
    assert found.data_proof is None
    assert words in found.differences
    assert found.differences_count == len(found.differences)


@pytest.mark.parametrize("without", ["a row less", "two rows swapped"])
def test_all_that_differs_is_named_at_once(
    origin: str, copied: tuple[GuardSettings, Backup], cluster: PrivateCluster, without: str
) -> None:
    settings, backup = copied
    here = {name: words for name, words in FORGED.items() if name != without}
    if without == "two rows swapped":
        # They stand in one table, of which one thing is said.
        del here["a row"]
    # What belongs to the server is left out: else no plain role could restore this one.
    statements = (
        "CREATE PUBLICATION everything FOR ALL TABLES",
        *(each for each, _ in here.values()),
    )
    found = proving(settings, dumped_with(cluster, origin, backup, "; ".join(statements)))
    assert found.data_proof is None
    assert {words for _, words in here.values()} <= set(found.differences)


def dump_file_of(backup: Backup, table: str) -> Path:
    """The file with a table's rows: the largest, or the marker's."""
    return max(backup.database.glob("*.dat.gz"), key=lambda path: path.stat().st_size)


def damage_dump(backup: Backup) -> str:
    path = dump_file_of(backup, "res_partner")
    flip(path)
    return f"dump file {path.name} (rows of table public."


def truncate_dump(backup: Backup) -> str:
    path = backup.database / "toc.dat"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: size // 2])
    return f"dump file toc.dat: {size // 2} bytes instead of {size}"


def truncate_archive(backup: Backup) -> str:
    path = dump_file_of(backup, "res_partner")
    path.write_bytes(path.read_bytes()[:-9])
    return f"dump file {path.name} (rows of table public."


def lose_dump_file(backup: Backup) -> str:
    path = dump_file_of(backup, "res_partner")
    path.unlink()
    return f"dump file {path.name} (rows of table public."


def add_dump_file(backup: Backup) -> str:
    (backup.database / "more.dat").write_bytes(b"more")
    return "dump file more.dat: it is there as well"


def alter_file(backup: Backup) -> str:
    name = next(backup.files()).path
    flip(backup.filestore / name)
    return f"file {name}: as long as before, with other content"


def lose_file(backup: Backup) -> str:
    name = next(backup.files()).path
    (backup.filestore / name).unlink()
    return f"file {name}: it is missing"


def exchange_file(backup: Backup) -> str:
    name = next(backup.files()).path
    (backup.filestore / name).unlink()
    (backup.filestore / name).symlink_to("/etc/hostname")
    return f"file {name}: it cannot be read (Too many levels of symbolic links)"


def exchange_folder(backup: Backup) -> str:
    """One with one file, so that there are as many links as files are missing."""
    folder = next(each for each in backup.filestore.iterdir() if len([*each.iterdir()]) == 1)
    folder.rename(backup.folder.parent / "elsewhere")
    folder.symlink_to(backup.folder.parent / "elsewhere")
    return f"folder {folder.name}: it is a link"


def link_everything(backup: Backup) -> str:
    for folder in (backup.database, backup.filestore):
        folder.rename(backup.folder.parent / folder.name)
        folder.symlink_to(backup.folder.parent / folder.name)
    return "filestore: it is a link"


def add_file(backup: Backup) -> str:
    (backup.filestore / "ab").mkdir(exist_ok=True)
    (backup.filestore / "ab" / "more").write_bytes(b"more")
    return "file ab/more: it is there as well"


def edit_list(backup: Backup) -> str:
    flip(backup.folder / "filestore.list")
    return "filestore.list: it is not the list that was captured"


DAMAGE = (
    damage_dump,
    truncate_dump,
    pytest.param(truncate_archive, marks=pytest.mark.full),
    pytest.param(lose_dump_file, marks=pytest.mark.full),
    add_dump_file,
    alter_file,
    exchange_file,
    exchange_folder,
    link_everything,
    add_file,
    edit_list,
)


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: str(damage.__name__))
def test_damage_is_found_and_named(
    copied: tuple[GuardSettings, Backup], damage: "type[object]"
) -> None:
    settings, backup = copied
    words = str(damage(backup))  # type: ignore[call-arg]
    found = proving(settings, backup)
    assert (found.data_proof, found.load_proof) == (None, None)
    assert [each for each in found.differences if each.startswith(words)], found.differences


def test_a_dump_that_cannot_be_restored_proves_nothing(
    copied: tuple[GuardSettings, Backup],
) -> None:
    settings, backup = copied
    truncate_archive(backup)
    found = proving(settings, signed_again(backup))
    assert found.data_proof is None
    assert "pg_restore ended with code" in found.differences[0]


def test_rows_that_are_lawful_by_the_lanes_locale_come_back(
    copied: tuple[GuardSettings, Backup], cluster: PrivateCluster
) -> None:
    """What a letter is, the locale says: in C, an umlaut is none."""
    settings, backup = copied
    cluster.execute(
        "CREATE DATABASE letters OWNER odoo TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' "
        f"LC_CTYPE 'C.UTF-8' {QUICKLY}"
    )
    there = replace(settings, database=DatabaseName("letters"))
    statement = (
        "CREATE TABLE codes (name text CHECK (name ~ '^[[:alpha:]]+$')); "
        "INSERT INTO codes VALUES ('Müller')"
    )
    found = proving(there, dumped_with(cluster, "letters", backup, statement))
    cluster.execute("DROP DATABASE letters")
    assert "table public.codes: it is there as well" in found.differences


def refusal_of(settings: GuardSettings, name: str) -> set[ReasonCode]:
    with pytest.raises(LaneAuthorityError) as problem:
        prove(settings, BackupId(name))
    return {each.code for each in problem.value.reasons}


def test_a_backup_that_is_not_what_its_name_says_is_refused(
    copied: tuple[GuardSettings, Backup],
) -> None:
    settings, backup = copied
    assert refusal_of(settings, "0" * 64) == {ReasonCode.BACKUP_UNKNOWN}
    for name in ("", ".", "..", f"../{backup.folder.parent.name}/{backup.folder.name}"):
        assert refusal_of(settings, name) == {ReasonCode.BACKUP_UNKNOWN}
    manifest = backup.folder / "manifest.json"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole.replace(b'"rows":50', b'"rows":49'))
    assert refusal_of(settings, backup.folder.name) == {ReasonCode.BACKUP_DAMAGED}
    manifest.write_bytes(whole)
    renamed = backup.folder.rename(backup.folder.with_name("0" * 64))
    assert refusal_of(settings, renamed.name) == {ReasonCode.BACKUP_DAMAGED}


def test_another_lanes_backup_is_refused_whatever_its_name(
    copied: tuple[GuardSettings, Backup],
) -> None:
    settings, backup = copied
    assert settings.identity is not None
    other = replace(settings, identity=settings.identity.model_copy(update={"lane": LANE}))
    assert refusal_of(other, backup.folder.name) == {ReasonCode.BACKUP_OTHER_LANE}


# -- loading -----------------------------------------------------------------------

LOADS = (
    "import os, psycopg2, sys;"
    "c = psycopg2.connect(dbname=os.environ['PGDATABASE']);"
    "q = c.cursor();"
    "q.execute('SELECT count(*) FROM res_partner');"
    "assert q.fetchone() == (50,);"
    "assert sys.argv[1] == os.environ['PGDATABASE'] == os.environ['ODOO_DB_NAME'];"
    "f = os.path.join(sys.argv[2], 'filestore', sys.argv[1]);"
    "n = sum(len(x) for _, _, x in os.walk(f));"
    "assert n == 12, n;"
    "open(os.path.join(f, 'new'), 'w').close();"
    "print('loading failed') or sys.exit(int(sys.argv[3]))"
)


def loads(code: int) -> tuple[str, ...]:
    return (sys.executable, "-c", LOADS, "{database}", "{data_folder}", str(code))


ELSEWHERE = (
    sys.executable,
    "-c",
    "import psycopg2, sys, time;"
    "c = psycopg2.connect(dbname='postgres'); c.autocommit = True; q = c.cursor();"
    "n = lambda: (q.execute('SELECT xact_commit FROM pg_stat_database WHERE datname = %s',"
    " sys.argv[1:]), q.fetchone()[0])[1];"
    "was = n(); end = time.monotonic() + 20;"
    "[time.sleep(0.02) for _ in iter(lambda: n() == was and time.monotonic() < end, False)]",
    "{database}",
)
"""It looks at another database, until the server itself has worked in the restored one."""


@pytest.fixture
def busy_server(cluster: PrivateCluster) -> Iterator[None]:
    """A server that looks at once at what is new in its databases, as any does within a minute."""
    cluster.execute("ALTER SYSTEM SET autovacuum_naptime = 1")
    cluster.execute("SELECT pg_reload_conf()")
    yield
    cluster.execute("ALTER SYSTEM RESET autovacuum_naptime")
    cluster.execute("SELECT pg_reload_conf()")


@pytest.mark.slow
@pytest.mark.usefixtures("busy_server")
def test_a_scratch_goes_while_the_server_vacuums_it(standing: Standing) -> None:
    with scratch_database(standing.settings) as scratch:
        # A small company's table would do it as well, at the wrong moment.
        standing.lane.execute(
            "CREATE TABLE slow (id int) WITH (autovacuum_vacuum_threshold = 0, "
            "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100, "
            "autovacuum_vacuum_cost_limit = 1);"
            "INSERT INTO slow SELECT generate_series(1, 20000); DELETE FROM slow",
            scratch.name,
        )
        until = time.monotonic() + 30
        while not standing.lane.cluster.execute(
            f"SELECT 1 FROM pg_stat_activity WHERE datid = {scratch.oid} "
            "AND backend_type = 'autovacuum worker' AND query LIKE '%VACUUM%slow%'"
        ):
            assert time.monotonic() < until
            time.sleep(0.02)
    assert scratch.name not in fingerprint.databases(standing.lane.cluster)


def test_the_load_proof_is_given_apart(standing: Standing) -> None:
    before = {path.name for path in standing.backup.filestore.iterdir()}
    found = proving(standing.settings, standing.backup, *loads(0))
    assert found.data_proof is not None
    assert found.load_proof is not None
    assert found.load is not None
    assert (found.load.loaded, found.load.words) == (True, "")
    assert found.load_proof.took == found.load.took
    assert {path.name for path in standing.backup.filestore.iterdir()} == before
    assert scratches(standing.lane.cluster) == set()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (loads(3), "loading failed"),
        (ELSEWHERE, "it ended well and never worked in the restored database"),
        (("/nowhere/odoo",), "/nowhere/odoo: No such file or directory"),
    ],
)
def test_a_load_that_fails_withholds_its_proof_and_no_other(
    standing: Standing, busy_server: None, command: tuple[str, ...], words: str
) -> None:
    found = proving(standing.settings, standing.backup, *command)
    assert found.data_proof is not None
    assert found.load_proof is None
    assert found.load is not None
    assert words in found.load.words
    assert scratches(standing.lane.cluster) == set()


# -- the command -------------------------------------------------------------------


def test_the_command_says_what_came_of_it(standing: Standing, backups: Path) -> None:
    lane, backup = standing.lane, copy_of(standing.backup, backups)
    where = {"LANE_AUTHORITY_BACKUPS": str(backups)}
    done = lane.start_with(["prove", backup.folder.name, "--", *loads(0)], **where).wait()
    assert done.exit_code == 0, done.words
    assert "its data is proven. Odoo loads on it." in done.words
    words = lose_file(backup)
    refused = lane.start_with(["prove", backup.folder.name], **where).wait()
    assert (refused.exit_code, refused.codes) == (50, {"backup_damaged"})
    assert words in refused.words
    assert refused.receipt is not None
    assert refused.receipt.result is not None
    assert refused.receipt.result["differences"] == [words]


@pytest.mark.full
def test_it_is_proven_on_another_server_and_version(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the proof runs is the environment's to say; nothing happens on the lane's server."""
    with PrivateCluster(version="16") as other:
        monkeypatch.setenv("PATH", f"{other.binaries}:/usr/bin:/bin")
        settings = replace(
            standing.settings, port=other.port, password=other.odoo.password, user=other.odoo.name
        )
        found = proving(settings, standing.backup)
        assert found.data_proof is not None
        assert scratches(other) == set()
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        with pytest.raises(CouldNotTell, match="There is no pg_restore of version 16 or later"):
            proving(settings, standing.backup)


def test_nothing_but_a_scratch_is_dropped_as_one(
    standing: Standing, cluster: PrivateCluster
) -> None:
    """Names and comments that are nearly right, one that is in use, and one that was left."""
    name = f"{SCRATCH_PREFIX}{'a' * 16}"
    others = {
        f"{name}0": None,
        f"x{name}": None,
        f"{SCRATCH_PREFIX}{'b' * 16}": "of somebody else",
        f"{SCRATCH_PREFIX}{'c' * 16}": "launchplane-lane-authority tag",
    }
    for each, comment in others.items():
        cluster.execute(f"CREATE DATABASE {each} OWNER odoo")
        if comment:
            cluster.execute(f"COMMENT ON DATABASE {each} IS '{comment}'")
    cluster.execute(f"CREATE DATABASE {name} OWNER odoo")
    oids = {each: fingerprint.databases(cluster)[each].oid for each in others}
    with closing(cluster.connect(name, cluster.superuser)):
        # Whom the guard cannot send out is in the way of no proof.
        assert proving(standing.settings, standing.backup).data_proof is not None
    assert name in fingerprint.databases(cluster)
    with connected(standing.settings, "postgres") as server:
        drop_abandoned(server)
    found = fingerprint.databases(cluster)
    assert name not in found
    assert {each: found[each].oid for each in others} == oids
    for each in others:
        cluster.execute(f"DROP DATABASE {each}")


def test_a_lane_may_not_be_called_like_a_scratch(standing: Standing) -> None:
    answer = standing.lane.run("show", ODOO_DB_NAME=f"{SCRATCH_PREFIX}{'a' * 16}")
    assert answer.exit_code == 2
    assert "is dropped as a scratch" in answer.words


def test_the_count_of_what_differs_is_whole(copied: tuple[GuardSettings, Backup]) -> None:
    settings, backup = copied
    shutil.rmtree(backup.filestore)
    backup.filestore.mkdir()
    assert proving(settings, backup).differences_count == 12
