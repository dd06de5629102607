"""The content fingerprint: each kind of damage changes it and is named, and nothing else does."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from launchplane_lane_contracts.errors import BadInput, Busy, CouldNotTell
from launchplane_lane_contracts.fingerprint import ContentFingerprint
from launchplane_lane_guard import fingerprint_rows, snapshot
from launchplane_lane_guard.database import query_through
from launchplane_lane_guard.fingerprint import read_in, read_sequences, read_with
from launchplane_lane_guard.fingerprint_sequences import sequences_seen
from launchplane_lane_guard.snapshot import PINNED, one_moment, passing_locks
from tests.guard.conftest import clean
from tests.guard.dumping import MADE_LIKE_ODOO, restore_into
from tests.guard.museum import VALUES, WITHOUT_INPUT, fill
from tests.real.postgres import PrivateCluster

MUSEUM = "museum"
COPY = "copy"


def read(cluster: PrivateCluster, database: str, workers: int = 1) -> ContentFingerprint:
    def connect() -> AbstractContextManager[Connection]:
        return closing(cluster.connect(database, autocommit=True))

    return read_with(connect, workers=workers)


def run(cluster: PrivateCluster, database: str, statement: str) -> None:
    """As the owner."""
    with closing(cluster.connect(database, autocommit=True)) as session, session.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture(scope="module")
def museum(cluster: PrivateCluster) -> Iterator[ContentFingerprint]:
    """A database with one of everything, and its fingerprint."""
    clean(cluster)
    cluster.execute(f"CREATE DATABASE {MUSEUM} OWNER odoo {MADE_LIKE_ODOO}")
    with closing(cluster.connect(MUSEUM, autocommit=True)) as session:
        fill(session)
    found = read(cluster, MUSEUM)
    yield found
    assert read(cluster, MUSEUM) == found
    cluster.execute(f"DROP DATABASE {MUSEUM}")


@pytest.fixture
def copied(cluster: PrivateCluster, museum: ContentFingerprint) -> Iterator[ContentFingerprint]:
    """The fingerprint of a database that a copy was made of."""
    cluster.execute(f"CREATE DATABASE {COPY} OWNER odoo TEMPLATE {museum.database}")
    yield museum
    cluster.execute(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")


STRUCTURE = "table public.{}: its kind, parents, constraints, indexes or triggers differ"
COLUMNS = "table public.{}: its columns differ"
ROWS = "table public.{} rows as before, with other content"
MORE = "table public.{}: {} rows instead of {}"
PLACE = "sequence public.{}: it stands at {}"
OBJECTS = "large objects: 4 as before, with other oids or content"
DAMAGE: dict[str, tuple[tuple[str, str | None], ...]] = {
    "rows": (
        ("INSERT INTO without_key VALUES (1, 'a')", MORE.format("without_key", 7, 6)),
        (
            "DELETE FROM without_key WHERE ctid = (SELECT min(ctid) FROM without_key)",
            MORE.format("without_key", 6, 7),
        ),
        ("INSERT INTO nothing DEFAULT VALUES", MORE.format("nothing", 3, 2)),
        ("UPDATE without_key SET two = 'd' WHERE one = 3", ROWS.format("without_key: 6")),
        (
            "UPDATE without_key SET two = '' WHERE one IS NULL AND two IS NULL",
            ROWS.format("without_key: 6"),
        ),
        (
            "UPDATE without_key SET two = NULL WHERE one IS NULL AND two = ''",
            ROWS.format("without_key: 6"),
        ),
        # Two rows change one value with each other: the same values are there, in other rows.
        (
            "UPDATE without_key SET two = CASE one WHEN 3 THEN 'b' ELSE 'd' END "
            "WHERE two IN ('b', 'd')",
            ROWS.format("without_key: 6"),
        ),
        # Two columns change their values with each other.
        ("UPDATE heir SET one = three, three = one", ROWS.format("heir: 1")),
        # One duplicate more, another row less.
        ("UPDATE without_key SET two = 'a' WHERE two = 'd'", ROWS.format("without_key: 6")),
        (
            "UPDATE heavy SET body = overlay(body placing 'x' from 9000) WHERE id = 7",
            ROWS.format("heavy: 300"),
        ),
        ("UPDATE unlogged SET n = 6 WHERE n = 5", ROWS.format("unlogged: 5")),
        (
            'UPDATE "Odd ""schema"" %s"."Täble; -- x" SET "ä %(x)s" = \'A\'',
            'table Odd "schema" %s.Täble; -- x: 1 rows as before, with other content',
        ),
        ("UPDATE notes SET body = 'c' WHERE id = 2", ROWS.format("notes: 4")),
        ("UPDATE every_type SET c0 = 'b' WHERE c0 = 'a'", ROWS.format("every_type: 143")),
        ("UPDATE parted SET region = 'east' WHERE id = 2", ROWS.format("parted_rest: 1")),
        ("UPDATE parted SET region = 'south' WHERE id = 1", None),
    ),
    "tables": (
        ("CREATE TABLE more (one integer)", "table public.more: it is there as well"),
        ("DROP TABLE more", "table public.more: it is missing"),
        ("ALTER TABLE nobody RENAME COLUMN one TO two", COLUMNS.format("nobody")),
        ("ALTER TABLE nobody RENAME COLUMN two TO one", COLUMNS.format("nobody")),
        ("ALTER TABLE nobody ADD COLUMN two integer", COLUMNS.format("nobody")),
        # The other order of the same columns.
        (
            "ALTER TABLE nobody DROP COLUMN one; ALTER TABLE nobody ADD COLUMN one integer",
            COLUMNS.format("nobody"),
        ),
        ("ALTER TABLE nobody ALTER one TYPE bigint", COLUMNS.format("nobody")),
        ("ALTER TABLE nobody ALTER one TYPE numeric(9, 2)", COLUMNS.format("nobody")),
        ("ALTER TABLE nobody ALTER one TYPE numeric(9, 3)", COLUMNS.format("nobody")),
        ("ALTER TABLE nobody ALTER one TYPE text", COLUMNS.format("nobody")),
        ('ALTER TABLE nobody ALTER one TYPE text COLLATE "C"', COLUMNS.format("nobody")),
        ("ALTER TABLE nobody ALTER one SET NOT NULL", COLUMNS.format("nobody")),
        ("ALTER TABLE nobody ALTER one SET DEFAULT 1", COLUMNS.format("nobody")),
        ("CREATE UNIQUE INDEX one_more ON nobody (one)", STRUCTURE.format("nobody")),
        ("DROP INDEX one_more; CREATE INDEX one_more ON nobody (one)", STRUCTURE.format("nobody")),
        ("ALTER TABLE nobody SET UNLOGGED", STRUCTURE.format("nobody")),
        (
            "ALTER TABLE notes ALTER long DROP EXPRESSION",
            f"{COLUMNS.format('notes')}; 4 rows as before, with other content",
        ),
        ("ALTER TABLE notes DROP CONSTRAINT has_body", STRUCTURE.format("notes")),
        ("ALTER TABLE notes DROP CONSTRAINT notes_mood_fkey", STRUCTURE.format("notes")),
        ("DROP INDEX notes_lower", STRUCTURE.format("notes")),
        ("ALTER TABLE notes DISABLE TRIGGER notes_noticed", STRUCTURE.format("notes")),
        ("DROP TRIGGER notes_noticed ON notes", STRUCTURE.format("notes")),
        ("ALTER TABLE moods RENAME COLUMN id TO number", None),
        ("ALTER TABLE heir NO INHERIT parent", None),
        ("ALTER TABLE bound DROP CONSTRAINT far", STRUCTURE.format("bound")),
        ("ALTER TABLE parted DETACH PARTITION parted_rest", STRUCTURE.format("parted_rest")),
        ('ALTER TABLE nobody SET SCHEMA "Odd ""schema"" %s"', None),
    ),
    "sequences": (
        ("SELECT nextval('moved')", f"{PLACE.format('moved', '102')} instead of 101"),
        (
            "SELECT setval('moved', 102, false)",
            f"{PLACE.format('moved', '102 (not handed out)')} instead of 102",
        ),
        (
            "SELECT nextval('started')",
            f"{PLACE.format('started', '10')} instead of 10 (not handed out)",
        ),
        (
            "ALTER TABLE notes ALTER id RESTART WITH 1",
            f"{PLACE.format('notes_id_seq', '1 (not handed out)')} instead of 4",
        ),
        ("ALTER SEQUENCE moved INCREMENT 2", "sequence public.moved: its definition differs"),
        ("DROP SEQUENCE started", "sequence public.started: it is missing"),
    ),
    "large objects": (
        ("SELECT lo_put(90001, 3, 'x')", OBJECTS),
        ("SELECT lo_put(90003, 2999999, '\\x00')", OBJECTS),
        ("SELECT lo_put(90004, 7, '\\x01')", OBJECTS),
        (
            "SELECT lo_put(90002, 0, 'x')",
            "large objects: 6000027 bytes instead of 6000026",
        ),
        # The same content under another oid.
        ("SELECT lo_unlink(90002), lo_from_bytea(90005, 'x')", OBJECTS),
        ("SELECT lo_unlink(90005)", "large objects: 3 instead of 4"),
    ),
    "definitions": (
        (
            "ALTER VIEW seen RENAME COLUMN double TO twofold",
            "view public.seen: its definition differs",
        ),
        ("DROP VIEW seen", "view public.seen: it is missing"),
        ("DROP MATERIALIZED VIEW counted", "materialized view public.counted: it is missing"),
        (
            "CREATE OR REPLACE FUNCTION noticed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
            "function public.noticed(): its definition differs",
        ),
        ("ALTER TYPE mood ADD VALUE 'angry'", "type public.mood: its definition differs"),
        (
            "ALTER DOMAIN positive DROP CONSTRAINT is_positive",
            "type public.positive: its definition differs",
        ),
        ("ALTER TYPE pair ADD ATTRIBUTE three integer CASCADE", None),
        ("CREATE EXTENSION pg_trgm", "extension public.pg_trgm: it is there as well"),
    ),
}
"""Kinds of damage, one after another, and what is said of each beside the state before it."""


@pytest.mark.parametrize("of", DAMAGE)
def test_damage_is_seen_and_named(
    cluster: PrivateCluster, copied: ContentFingerprint, of: str
) -> None:
    before = copied
    for statement, words in DAMAGE[of]:
        run(cluster, COPY, statement)
        after = read(cluster, COPY)
        assert after.digest() != before.digest(), statement
        if words is not None:
            assert [str(each) for each in before.differences(after)] == [words], statement
        before = after


NO_DAMAGE = (
    "VACUUM FULL",
    "ANALYZE",
    "REINDEX DATABASE copy",
    "CLUSTER heavy USING heavy_place",
    "REFRESH MATERIALIZED VIEW counted",
    # The same rows put in again, in another order, in another place.
    "CREATE TEMP TABLE t AS SELECT * FROM without_key; TRUNCATE without_key;"
    "INSERT INTO without_key SELECT * FROM t ORDER BY one DESC, two DESC",
    "UPDATE heavy SET id = id WHERE id % 2 = 0; UPDATE every_type SET id = id",
    # What was there and is gone again.
    "INSERT INTO without_key VALUES (9, 'gone'); DELETE FROM without_key WHERE one = 9;"
    "ALTER TABLE without_key ADD COLUMN gone integer; ALTER TABLE without_key DROP COLUMN gone",
    # How it is stored, who owns it, who may see it, what is said of it.
    "ALTER TABLE heavy ALTER body SET STORAGE EXTERNAL, ALTER body SET COMPRESSION pglz;"
    "ALTER TABLE heavy SET (fillfactor = 50)",
    "GRANT SELECT ON moods TO PUBLIC; COMMENT ON TABLE moods IS 'moods'; COMMENT ON SCHEMA public "
    "IS 'of people'",
    "CREATE TEMP TABLE mine AS SELECT 1",
    # Every setting that shapes a value, for database and role.
    "ALTER DATABASE copy SET DateStyle = 'German'; ALTER DATABASE copy SET TimeZone = 'Asia/Tokyo';"
    "ALTER DATABASE copy SET IntervalStyle = 'iso_8601'; ALTER DATABASE copy SET bytea_output ="
    "'escape'; ALTER DATABASE copy SET extra_float_digits = -3; ALTER DATABASE copy SET "
    "search_path = '$user'; ALTER DATABASE copy SET quote_all_identifiers = on;"
    "ALTER DATABASE copy SET client_encoding = 'LATIN1';"
    "ALTER DATABASE copy SET default_transaction_read_only = on;"
    "ALTER DATABASE copy SET xmlbinary = 'hex'; ALTER DATABASE copy SET jit = on;"
    "ALTER DATABASE copy SET idle_in_transaction_session_timeout = 250",
)


@pytest.mark.parametrize("statement", NO_DAMAGE)
def test_nothing_else_is_seen(
    cluster: PrivateCluster, copied: ContentFingerprint, statement: str
) -> None:
    run(cluster, COPY, "CREATE INDEX heavy_place ON heavy (md5(body))")
    before = read(cluster, COPY)
    with closing(cluster.connect(COPY, autocommit=True)) as session:
        with session.cursor() as cursor:
            # VACUUM and the like allow no company in their statement.
            for each in statement.split(";"):
                cursor.execute(each)
        found = read(cluster, COPY)
    assert before.differences(found) == ()
    assert found.digest() == before.digest()


@pytest.mark.parametrize(
    "made",
    [
        MADE_LIKE_ODOO,
        "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'",
        "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'de'",
    ],
)
def test_dump_and_restore_keep_it(
    cluster: PrivateCluster, museum: ContentFingerprint, made: str
) -> None:
    try:
        restore_into(cluster, cluster, MUSEUM, COPY, made=made)
        found = read(cluster, COPY)
        assert museum.differences(found) == ()
        assert museum.digest() == found.digest()
    finally:
        cluster.execute(f"DROP DATABASE IF EXISTS {COPY}")


@pytest.mark.slow
def test_it_is_the_same_on_other_versions(
    cluster: PrivateCluster, museum: ContentFingerprint
) -> None:
    with PrivateCluster(version="16") as newer, PrivateCluster(version="18") as newest:
        restore_into(cluster, newer, MUSEUM, MUSEUM)
        restore_into(newer, newest, MUSEUM, MUSEUM)
        for each in (newer, newest):
            found = read(each, MUSEUM, workers=2)
            assert museum.differences(found) == ()
            assert museum.digest() == found.digest()
            assert found.server_version != museum.server_version


def test_the_museum_has_every_type(cluster: PrivateCluster, museum: ContentFingerprint) -> None:
    rows = cluster.execute(
        "SELECT format_type(oid, NULL) FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace"
        " AND typtype IN ('b', 'r', 'm') AND typcategory <> 'A'"
    )
    known = {name.split("(")[0] for name in VALUES}
    # A server that was built without it takes no value of xml.
    plain = {str(name).replace(" without time zone", "") for (name,) in rows}
    assert plain - known - WITHOUT_INPUT == {"xml", "bit"} - known
    ((cells,),) = cluster.execute(
        "SELECT sum((SELECT count(*) FROM jsonb_each(to_jsonb(t) - 'id') WHERE value <> 'null'))"
        " FROM every_type t",
        MUSEUM,
    )
    assert int(str(cells)) >= len(VALUES)


def test_xml_where_the_server_was_built_with_it(
    cluster: PrivateCluster, copied: ContentFingerprint
) -> None:
    try:
        run(cluster, COPY, "CREATE TABLE papers AS SELECT '<a>1</a>'::xml AS paper")
    except psycopg2.errors.FeatureNotSupported:
        pytest.skip("this server was built without XML")
    before = read(cluster, COPY)
    run(cluster, COPY, "UPDATE papers SET paper = '<a>2</a>'")
    assert [str(each) for each in before.differences(read(cluster, COPY))] == [
        ROWS.format("papers: 1")
    ]


def test_any_number_of_workers_and_pieces_gives_the_same(
    cluster: PrivateCluster, museum: ContentFingerprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint_rows, "BYTES_OF_A_PIECE", 8192)
    monkeypatch.setattr(fingerprint_rows, "BYTES_OF_A_PART", 1024 * 1024)
    for workers in (1, 3):
        assert read(cluster, MUSEUM, workers).digest() == museum.digest()


@pytest.mark.parametrize("workers", [0, 33])
def test_a_number_of_workers_that_makes_no_sense(cluster: PrivateCluster, workers: int) -> None:
    with pytest.raises(BadInput, match="1 to 32"):
        read(cluster, "postgres", workers)


def test_the_same_moment_as_a_dump(cluster: PrivateCluster, copied: ContentFingerprint) -> None:
    with (
        closing(cluster.connect(COPY, autocommit=True)) as holder,
        closing(cluster.connect(COPY, autocommit=True)) as session,
    ):
        query = query_through(holder)
        query("BEGIN ISOLATION LEVEL REPEATABLE READ", ())
        ((moment,),) = query("SELECT pg_export_snapshot()", ())
        run(cluster, COPY, "DELETE FROM heavy; INSERT INTO moods (id) VALUES (77)")
        assert read(cluster, COPY).digest() != copied.digest()
        found = read_in([session], snapshot=str(moment))
        assert found.digest() == copied.digest()
        assert found.snapshot == moment
        restore_into(cluster, cluster, COPY, "restored", snapshot=str(moment))
        query("ROLLBACK", ())
        assert copied.differences(read(cluster, "restored")) == ()
        with pytest.raises(BadInput, match="no snapshot"):
            read_in([session], snapshot=str(moment))
        with pytest.raises(BadInput, match="no snapshot"):
            read_in([session], snapshot="'; DROP TABLE moods; --")
        # The session is fit for use again.
        assert query_through(session)("SELECT 1", ()) == [(1,)]
    cluster.execute("DROP DATABASE restored")


def test_what_the_snapshot_sees_no_more_as_it_was_is_busy(
    cluster: PrivateCluster, copied: ContentFingerprint
) -> None:
    """Else an empty table would be dumped, and its fingerprint would say the same."""
    with (
        closing(cluster.connect(COPY, autocommit=True)) as holder,
        closing(cluster.connect(COPY, autocommit=True)) as session,
    ):
        query = query_through(holder)
        for changed in (
            "TRUNCATE heavy",
            "ALTER TABLE without_key ALTER COLUMN one TYPE bigint",
            "CREATE TABLE new AS TABLE nothing; DROP TABLE nothing CASCADE; "
            "ALTER TABLE new RENAME TO nothing",
            "ALTER TABLE heavy RENAME TO was; ALTER TABLE moods RENAME TO heavy; "
            "ALTER TABLE was RENAME TO moods",
        ):
            query("BEGIN ISOLATION LEVEL REPEATABLE READ", ())
            ((moment,),) = query("SELECT pg_export_snapshot()", ())
            run(cluster, COPY, changed)
            with pytest.raises(Busy, match="was emptied, rewritten or replaced"):
                read_in([session], snapshot=str(moment))
            query("ROLLBACK", ())
        assert read_in([session]).digest() != copied.digest()


def test_behind_a_closed_door(cluster: PrivateCluster, copied: ContentFingerprint) -> None:
    with (
        closing(cluster.connect(COPY, autocommit=True)) as one,
        closing(cluster.connect(COPY, autocommit=True)) as two,
    ):
        cluster.execute(f"ALTER DATABASE {COPY} ALLOW_CONNECTIONS false")
        assert read_in([one]).digest() == copied.digest()
        assert read_in([one, two]).digest() == copied.digest()


def test_another_database_took_the_name(cluster: PrivateCluster) -> None:
    with (
        closing(cluster.connect(autocommit=True)) as session,
        pytest.raises(CouldNotTell, match="took the name postgres"),
    ):
        read_in([session], oid=1)


def test_settings_are_pinned_for_the_moment_alone(cluster: PrivateCluster) -> None:
    with closing(cluster.connect(autocommit=True)) as session:
        query = query_through(session)

        def settings() -> dict[str, str]:
            rows = query("SELECT lower(name), setting FROM pg_settings", ())
            return {name: value for name, value in rows if name in wanted}

        wanted = {name.lower(): value for name, value in PINNED.items()}
        query("SET statement_timeout = 60000", ())
        before = settings()
        with one_moment([session], None):
            pinned = settings()
            assert pinned == {name: value for name, value in wanted.items() if name in pinned}
            ((isolation, read_only),) = query(
                "SELECT current_setting('transaction_isolation'), "
                "current_setting('transaction_read_only')",
                (),
            )
            assert (isolation, read_only) == ("repeatable read", "on")
        assert settings() == before != pinned


def test_sequences_know_no_snapshots(cluster: PrivateCluster, copied: ContentFingerprint) -> None:
    with closing(cluster.connect(COPY, autocommit=True)) as session:
        before = read_sequences(session)
        assert before == copied.sequences
        run(cluster, COPY, "SELECT nextval('moved')")
        (moved,) = [
            (old.last_value, new.last_value)
            for old, new in zip(before, read_sequences(session), strict=True)
            if old != new
        ]
    assert moved == (101, 102)


def test_a_table_that_somebody_holds_is_busy(
    cluster: PrivateCluster, museum: ContentFingerprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(snapshot.PINNED, "lock_timeout", "50")
    with closing(cluster.connect(MUSEUM)) as holder:
        with holder.cursor() as cursor:
            cursor.execute("LOCK TABLE moods")
        with pytest.raises(Busy, match="rewriting a table"):
            read(cluster, MUSEUM)


def test_locks_are_given_back(cluster: PrivateCluster, museum: ContentFingerprint) -> None:
    with closing(cluster.connect(MUSEUM, autocommit=True)) as session:
        query = query_through(session)
        with one_moment([session], None):
            with passing_locks(session):
                query("SELECT count(*) FROM public.heavy", ())
                assert held(session)
            assert not held(session)
            assert sequences_seen(session, [])
            assert not held(session)


def held(session: Connection) -> list[tuple[object, ...]]:
    return query_through(session)(
        "SELECT relation::regclass FROM pg_locks JOIN pg_class c ON c.oid = relation "
        "WHERE pid = pg_backend_pid() AND c.relnamespace = 'public'::regnamespace",
        (),
    )


@pytest.mark.parametrize(
    ("as_superuser", "words"),
    [
        ("ALTER TABLE moods OWNER TO postgres", "permission denied for table moods"),
        ("ALTER SEQUENCE moved OWNER TO postgres", "permission denied for sequence moved"),
        ("ALTER LARGE OBJECT 90001 OWNER TO postgres", "permission denied for large object 90001"),
        (
            "ALTER TABLE moods ENABLE ROW LEVEL SECURITY; ALTER TABLE moods FORCE ROW LEVEL "
            "SECURITY; CREATE POLICY few ON moods USING (id = 1)",
            "Table public.moods could not be read: .*row-level security policy",
        ),
    ],
)
def test_what_the_role_may_not_read_is_no_fingerprint(
    cluster: PrivateCluster, copied: ContentFingerprint, as_superuser: str, words: str
) -> None:
    cluster.execute(as_superuser, COPY)
    with pytest.raises((CouldNotTell, psycopg2.Error), match=words):
        read(cluster, COPY, workers=3)


def test_encodings(cluster: PrivateCluster) -> None:
    found = []
    for encoding in ("UTF8", "LATIN1", "SQL_ASCII"):
        cluster.execute(
            f"CREATE DATABASE coded OWNER odoo TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"
        )
        try:
            if encoding == "SQL_ASCII":
                with pytest.raises(CouldNotTell, match="SQL_ASCII"):
                    read(cluster, "coded")
                continue
            run(cluster, "coded", 'CREATE TABLE "é" AS SELECT \'Ä\u00a0ß\'::text AS "ö"')
            found.append(read(cluster, "coded"))
        finally:
            cluster.execute("DROP DATABASE coded")
    assert found[0].differences(found[1]) == ()
