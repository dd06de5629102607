"""A database with one of everything that PostgreSQL can hold, for the content fingerprint."""

from psycopg2.extensions import connection as Connection

VALUES: dict[str, tuple[str, ...]] = {
    '"char"': ("a", ""),
    "aclitem": ("odoo=r/odoo",),
    "bigint": ("-9223372036854775808", "9223372036854775807"),
    "bit(3)": ("101",),
    "bit varying": ("", "10"),
    "boolean": ("t", "f"),
    "box": ("(2,2),(0,0)",),
    "bytea": ("", "\\x00", "\\x5c22"),
    "character(4)": ("", "a"),
    "character varying": ("", "NULL"),
    "cid": ("5",),
    "cidr": ("10.0.0.0/8",),
    "circle": ("<(1,2),3>",),
    "date": ("infinity", "0044-03-15 BC", "2024-02-29"),
    "double precision": ("0", "-0", "NaN", "-Infinity", "1e-310", "0.1", "1.7976931348623157e308"),
    "inet": ("::1/64", "10.0.0.1"),
    "int2vector": ("1 2",),
    "integer": ("0", "-1"),
    "interval": ("1 mon -1 day 1:00:00.000001", "24:00:00", "1 day"),
    "json": ('{"a": 1,  "a": 2}', "null"),
    "jsonb": ('{"b": 1.0, "a": null}', '"\\u00e9"'),
    "jsonpath": ("$.a[*] ? (@ > 1)",),
    "line": ("{1,-1,0}",),
    "lseg": ("(0,0),(1,1)",),
    "macaddr": ("08:00:2b:01:02:03",),
    "macaddr8": ("08:00:2b:01:02:03:04:05",),
    "money": ("1.50", "-0.01"),
    "name": ("", "a name"),
    "numeric": ("1", "1.00", "NaN", "Infinity", "1e-100", "123456789012345678901234567890"),
    "oid": ("4294967295",),
    "oidvector": ("1 2",),
    "path": ("[(0,0),(1,1)]", "((0,0),(1,1))"),
    "pg_lsn": ("16/B374D848",),
    "pg_snapshot": ("10:20:10,14",),
    "point": ("(-0,1e300)",),
    "polygon": ("((0,0),(1,1),(1,0))",),
    "real": ("-0", "NaN", "0.1", "3.4028235e38"),
    "refcursor": ("a cursor",),
    "regclass": ("public.moods", "pg_class", "-"),
    "regcollation": ('"C"',),
    "regconfig": ("english",),
    "regdictionary": ("simple",),
    "regnamespace": ("public",),
    "regoper": ("||/", "0"),
    "regoperator": ("+(integer,integer)",),
    "regproc": ("now",),
    "regprocedure": ("abs(integer)",),
    "regrole": ("odoo",),
    "regtype": ("public.mood", "integer"),
    "smallint": ("-32768",),
    "text": (
        "",
        " ",
        "NULL",
        '"',
        "\\",
        "\\N",
        ",",
        "(",
        ")",
        "\t\n\r\v\f",
        "é日本😀\u0085\u00a0",
        "x",
    ),
    "tid": ("(1,2)",),
    "time": ("24:00:00", "00:00:00.000001"),
    "time with time zone": ("12:00:00+05:30",),
    "timestamp": ("-infinity", "2024-02-29 12:00:00.000001"),
    "timestamp with time zone": ("infinity", "2024-02-29 12:00:00+05:30"),
    "tsquery": ("'a' & !'b':*",),
    "tsvector": ("'a':1A 'b':2", ""),
    "txid_snapshot": ("10:20:10,14",),
    "uuid": ("00000000-0000-0000-0000-000000000001",),
    "xid": ("5",),
    "xid8": ("5000000000",),
    # Ranges, more than one of them, and arrays.
    "int4range": ("empty", "[1,5)", "(,)"),
    "int8range": ("[1,5)",),
    "numrange": ("[1.0,2]",),
    "daterange": ("[2024-01-01,)",),
    "tsrange": ("(2024-01-01,2024-01-02]",),
    "tstzrange": ("(2024-01-01 00:00+02,2024-01-02]",),
    "int4multirange": ("{}", "{[1,2),[5,9)}"),
    "int8multirange": ("{[1,2)}",),
    "nummultirange": ("{[1.0,2]}",),
    "datemultirange": ("{[2024-01-01,)}",),
    "tsmultirange": ("{(2024-01-01,2024-01-02]}",),
    "tstzmultirange": ("{}",),
    "integer[]": ("{}", "{NULL,1}", "{{1,2},{3,4}}", "[0:1]={1,2}"),
    "text[]": ('{"",NULL,"NULL"," ","a,b"}',),
    # What somebody defined.
    "public.mood": ("sad", "happy"),
    "public.mood[]": ("{ok}",),
    "public.positive": ("7",),
    "public.pair": ('(1,"")', "(,)", '(1,"a ""b"", \\\\c")'),
    "public.span": ("[-0,1.5]",),
}
"""Literals of each type; each type is a column, and stands there with NULL as well."""

WITHOUT_INPUT = {
    "gtsvector",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
    "pg_dependencies",
    "pg_mcv_list",
    "pg_ndistinct",
    "pg_node_tree",
    "pg_ddl_command",
}
"""Types of which no value can be written down, so that no column holds one."""

DEFINED = """
    CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy');
    CREATE DOMAIN public.positive AS integer CONSTRAINT is_positive CHECK (VALUE > 0);
    CREATE TYPE public.pair AS (one integer, "Two %s" text);
    CREATE TYPE public.span AS RANGE (subtype = float8);
    CREATE FUNCTION public.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE
        AS 'SELECT n * 2';
    CREATE FUNCTION public.noticed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TABLE public.moods (id serial PRIMARY KEY, mood public.mood NOT NULL DEFAULT 'ok');
    INSERT INTO public.moods (mood) VALUES ('sad'), ('ok');
"""
TABLES = """
    CREATE TABLE notes (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone text,
        body text COLLATE "C" CONSTRAINT has_body CHECK (body <> 'x'),
        mood integer REFERENCES moods ON DELETE CASCADE,
        long text GENERATED ALWAYS AS (body || body) STORED);
    ALTER TABLE notes DROP COLUMN gone;
    CREATE INDEX notes_lower ON notes (lower(body), mood) WHERE mood IS NOT NULL;
    CREATE TRIGGER notes_noticed BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION noticed();
    INSERT INTO notes (body, mood) VALUES ('a', 1), ('b', 2), ('', NULL), (NULL, NULL);

    CREATE TABLE without_key (one integer, two text);
    INSERT INTO without_key VALUES (1, 'a'), (1, 'a'), (1, 'b'), (NULL, NULL), (NULL, ''), (3, 'c');
    CREATE TABLE nothing ();
    INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;
    CREATE TABLE nobody (one integer);
    CREATE UNLOGGED TABLE unlogged AS SELECT n FROM generate_series(1, 5) n;
    CREATE TABLE heavy AS SELECT n AS id, (SELECT string_agg(md5(n::text || m), '')
        FROM generate_series(1, 400) m) AS body FROM generate_series(1, 300) n;

    CREATE SCHEMA "Odd ""schema"" %s";
    CREATE TABLE "Odd ""schema"" %s"."Täble; -- x" ("select" integer, "ä %(x)s" text, "r" integer,
        "Üb""er" text);
    INSERT INTO "Odd ""schema"" %s"."Täble; -- x" VALUES (1, 'a', 2, 'b');

    CREATE TABLE parted (id integer, region text) PARTITION BY LIST (region);
    CREATE TABLE parted_north PARTITION OF parted FOR VALUES IN ('north');
    CREATE TABLE parted_rest (region text, id integer);
    ALTER TABLE parted ATTACH PARTITION parted_rest DEFAULT;
    INSERT INTO parted VALUES (1, 'north'), (2, 'south');
    CREATE TABLE parent (one integer, two text);
    CREATE TABLE heir (two text, three integer, one integer);
    ALTER TABLE heir INHERIT parent;
    ALTER TABLE parent ADD COLUMN four integer;
    INSERT INTO parent VALUES (1, 'parent', 4); INSERT INTO heir VALUES ('heir', 3, 1, 4);

    ALTER TABLE parted ADD PRIMARY KEY (id, region);
    CREATE INDEX ON parted (id);
    CREATE TRIGGER parted_noticed BEFORE UPDATE ON parted FOR EACH ROW EXECUTE FUNCTION noticed();
    CREATE TABLE bound (id integer GENERATED BY DEFAULT AS IDENTITY, region text NOT NULL,
        since date DEFAULT now()::date, during daterange, mood mood[],
        UNIQUE (id, since) DEFERRABLE INITIALLY DEFERRED, UNIQUE NULLS NOT DISTINCT (since),
        EXCLUDE USING gist (during WITH &&), CHECK (id > 0) NO INHERIT);
    ALTER TABLE bound ADD CONSTRAINT far FOREIGN KEY (id, region) REFERENCES parted
        MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL NOT VALID;
    ALTER TABLE bound ADD CONSTRAINT late CHECK (since > '2020-01-01') NOT VALID;
    CREATE UNIQUE INDEX bound_more ON bound (region DESC, (id + 1)) INCLUDE (since) WHERE id > 3;
    CREATE RULE kept AS ON DELETE TO bound WHERE old.id = 0 DO INSTEAD NOTHING;
    ALTER TABLE bound ALTER id SET STATISTICS 5;
    CREATE STATISTICS bound_facts ON id, region FROM bound;
    INSERT INTO bound (id, region, during) VALUES (1, 'north', '[2024-01-01,2024-02-01)');
    CREATE TABLE typed OF pair (one WITH OPTIONS PRIMARY KEY);
    ALTER TABLE parent ALTER one SET NOT NULL, ADD CHECK (one > 0);

    CREATE VIEW seen AS SELECT m.id, m.mood, twice(m.id) AS double FROM moods m;
    CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS moods FROM moods;
    CREATE SEQUENCE started START 10 INCREMENT 5;
    CREATE SEQUENCE moved; SELECT setval('moved', 100), nextval('moved');

    SELECT lo_from_bytea(90001, 'a large object'), lo_from_bytea(90002, ''),
           lo_from_bytea(90003, decode(repeat('00ff', 1500000), 'hex'));
    SELECT lo_create(90004), lo_put(90004, 3000000, 'after a hole');
"""


def fill(connection: Connection) -> None:
    """Fill an empty database, as its owner, who is in autocommit mode."""
    columns = ["id integer PRIMARY KEY"]
    rows: list[str] = ["INSERT INTO every_type (id) VALUES (0)"]
    values: list[str] = []
    for number, (name, literals) in enumerate(VALUES.items()):
        columns.append(f"c{number} {name}")
        for literal in literals:
            rows.append(f"INSERT INTO every_type (id, c{number}) VALUES ({len(rows)}, %s)")
            values.append(literal)
    with connection.cursor() as cursor:
        cursor.execute(DEFINED)
        cursor.execute(f"CREATE TABLE public.every_type ({', '.join(columns)})")
        cursor.execute("; ".join(rows), values)
        cursor.execute(TABLES)
