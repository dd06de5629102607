"""The tables: made by migrations alone, and append-only in the database itself."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from launchplane_lane_contracts.contract import Person
from launchplane_lane_contracts.errors import BadInput, CouldNotTell
from launchplane_lane_driver.store import Store
from launchplane_lane_driver.store.migrate import MIGRATIONS
from launchplane_lane_driver.store.schema import SCHEMA_REVISION, Base
from tests.driver.places import Place
from tests.driver.sample import CM, NOW, SOME_DIGEST, plan_for, record_open_policy

LEDGER_COLUMNS = "(sequence, at, kind, lane, document, previous, digest)"


def test_migrations_make_what_the_program_sees(store: Store, place: Place) -> None:
    with place.raw() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_program_needs_the_newest_migration() -> None:
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(configuration).get_current_head() == SCHEMA_REVISION


def test_a_store_of_a_newer_program_is_left_alone(store: Store, place: Place) -> None:
    place.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CouldNotTell, match="newer"):
        place.open()


def test_many_may_open_a_new_store_at_once(place: Place) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _number: place.open(), range(8)))
    generations = [each.new_generation(CM) for each in stores]
    for each in stores:
        each.close()
    assert generations == list(range(1, 9))


def test_two_new_stores_may_be_opened_at_once(tmp_path: Path) -> None:
    places = [Place(f"sqlite:///{tmp_path}/{n}.sqlite3", tmp_path / f"{n}.json") for n in range(4)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        for store in pool.map(Place.open, places):
            assert store.ledger_entries() == ()
            store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET kind = 'x'",
        "DELETE FROM ledger",
        "UPDATE policy_revisions SET document = '{}'",
        "DELETE FROM policy_revisions",
        "DELETE FROM approvals",
        "UPDATE approvals SET person = 'mallory', used_by = 'x'",
        "UPDATE approvals SET signed_at = '2030-01-01 00:00:00', used_by = 'x'",
    ],
)
def test_past_the_program_too_nothing_is_rewritten(
    store: Store, place: Place, statement: str
) -> None:
    record_open_policy(store)
    store.add_approval(
        digest=SOME_DIGEST, person=Person("bob"), key_fingerprint="f", signature="s", now=NOW
    )
    tables = ("ledger", "policy_revisions", "approvals")
    before = [place.execute(f"SELECT * FROM {table}") for table in tables]
    with pytest.raises(DBAPIError):
        place.execute(statement)
    assert [place.execute(f"SELECT * FROM {table}") for table in tables] == before
    assert all(before)


@pytest.mark.parametrize("table", ["ledger", "policy_revisions", "approvals"])
def test_no_row_is_replaced_or_cut_off(store: Store, place: Place, table: str) -> None:
    record_open_policy(store)
    store.add_approval(
        digest=SOME_DIGEST, person=Person("bob"), key_fingerprint="f", signature="s", now=NOW
    )
    before = place.execute(f"SELECT * FROM {table}")
    # SQLite's own way to delete a row without asking a trigger for deletions.
    statement = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
    if not place.is_sqlite:
        statement = f"TRUNCATE {table} CASCADE"
    with pytest.raises(DBAPIError):
        place.execute(statement)
    assert place.execute(f"SELECT * FROM {table}") == before


def test_a_used_approval_stays_used(store: Store, place: Place) -> None:
    record_open_policy(store)
    plan = plan_for(store.host_record(CM))
    store.add_approval(
        digest=plan.plan_digest, person=Person("bob"), key_fingerprint="f", signature="s", now=NOW
    )
    store.claim(plan, now=NOW)
    for statement in (
        "UPDATE approvals SET used_by = NULL",
        "UPDATE approvals SET used_by = 'another'",
    ):
        with pytest.raises(DBAPIError):
            place.execute(statement)


def test_the_database_itself_allows_one_live_operation(store: Store, place: Place) -> None:
    record_open_policy(store)
    store.claim(plan_for(store.host_record(CM)), now=NOW)
    columns = "lane, phase, plan, plan_digest, generation, requester, created_at, updated_at"
    insert = f"INSERT INTO operations (operation_id, {columns}) SELECT 'op-2', {{}} FROM operations"
    with pytest.raises(DBAPIError):
        place.execute(insert.format(columns))
    place.execute(insert.format(columns.replace("phase", "'settled'")))


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("mysql://me:geheim@host/db", BadInput),
        ("sqlite://", BadInput),
        ("not an address: geheim", BadInput),
        ("sqlite:////nowhere/at/all/store.sqlite3", CouldNotTell),
        ("postgresql://me:geheim@127.0.0.1:1/db", CouldNotTell),
        ("postgresql://127.0.0.1:1/db?password=geheim", CouldNotTell),
        # A password with signs that stand for something in an address.
        ("postgresql://me:p@ge:heim@127.0.0.1/db", BadInput),
        ("postgresql://me:p@geheim@127.0.0.1/db", BadInput),
        ("postgresql://me:p@ge/geheim@127.0.0.1/db", BadInput),
    ],
)
def test_an_address_that_is_none(
    tmp_path_factory: pytest.TempPathFactory, url: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        Store.open(url, tmp_path_factory.mktemp("keys") / "head.json")
    assert "heim" not in str(caught.value)
    assert not isinstance(caught.value.__cause__, ValueError)
