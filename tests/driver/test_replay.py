"""Every field that permits rest on is held against the ledger, and the database guards it too."""

from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from launchplane_lane_contracts.contract import PermitId
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_driver.store import Store
from tests.driver.places import Place
from tests.driver.sample import CM, NOW, REQUESTER, plan_for
from tests.driver.test_store import begun, settled

LONG_AGO = "'2020-01-01 00:00:00.000000+00:00'"

WRITTEN_ONCE = (
    ("proposals", "document", "'{}'"),
    ("proposals", "kind", "'policy'"),
    ("proposals", "proposer", "'mallory'"),
    ("proposals", "proposed_at", LONG_AGO),
    ("operations", "lane", "'a/b/c'"),
    ("operations", "plan_digest", "'x'"),
    ("operations", "requester", "'mallory'"),
    ("operations", "created_at", LONG_AGO),
    ("operations", "begun_at", LONG_AGO),
    ("kept_data", "authoritative", "NOT authoritative"),
    ("kept_data", "has_filestore", "NOT has_filestore"),
    ("kept_data", "kept_until", LONG_AGO),
    ("kept_data", "database_oid", "16384"),
    ("kept_data", "generation", "generation + 10"),
    ("kept_data", "permit_id", "'permit-other'"),
    ("kept_data", "set_aside_at", LONG_AGO),
    ("lanes", "next_generation", "next_generation - 1"),
)
"""Table, column, and what somebody writes there; the database itself refuses it."""

WRITTEN_AGAIN = (
    ("proposals", "applied_at", LONG_AGO),
    ("operations", "phase", "'aborted'"),
    ("operations", "generation", "generation + 10"),
    ("operations", "permit_id", "operation_id"),
    ("operations", "kept_name", "'another'"),
    ("operations", "earlier_permits", """'[{"permit_id": "permit-0", "permit_token": "a"}]'"""),
    ("kept_data", "released_at", LONG_AGO),
    ("kept_data", "gone_back_at", LONG_AGO),
    ("kept_data", "system_identifier", "'7380000000000000009'"),
    ("lanes", "nonce", "'nonce-other'"),
    ("lanes", "generation", "2"),
    ("lanes", "identity", "replace(identity, '20001', '20002')"),
    ("lanes", "filestore_path", "'/elsewhere'"),
    ("lanes", "next_generation", "next_generation + 1"),
    ("lanes", "declared_lost", "NOT declared_lost"),
    ("lanes", "retired", "NOT retired"),
)
"""The same where the program writes it more than once, so that only the ledger tells."""


@pytest.fixture
def history(store: Store) -> Store:
    """A rebuild that is over, one that was retried, and a proposal."""
    settled(store)
    second = begun(store)
    store.retry(
        second.operation_id,
        replaces=second.permit_id,
        permit_id=PermitId("permit-again"),
        permit_token="d.e.f",
        generation=store.new_generation(CM),
        plan=second.plan,
        approvals_used=(),
        now=NOW,
    )
    target = plan_for(store.host_record(CM), reason="once more").target
    store.propose("plan", target, REQUESTER, NOW)
    store.verify_ledger()
    return store


KEYS = {"proposals": "digest", "operations": "operation_id", "kept_data": "name", "lanes": "lane"}


def update(connection: Connection, table: str, column: str, value: str) -> tuple[str, Any]:
    """Write into one row; the statement that puts back what was there, and that."""
    key = KEYS[table]
    name, was = connection.execute(text(f"SELECT {key}, {column} FROM {table}")).all()[0]
    edit = f"UPDATE {table} SET {column} = {value} WHERE {key} = :key"
    assert connection.execute(text(edit), {"key": name}).rowcount == 1
    return f"UPDATE {table} SET {column} = :was WHERE {key} = '{name}'", was


def test_the_database_refuses_what_is_written_once(history: Store, place: Place) -> None:
    for table, column, value in WRITTEN_ONCE:
        with pytest.raises(DBAPIError, match="stays"), place.raw() as connection:
            update(connection, table, column, value)
    for table in ("proposals", "operations", "kept_data", "lanes"):
        removals = [f"DELETE FROM {table}", f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"]
        if not place.is_sqlite:
            removals[1] = f"TRUNCATE {table} CASCADE"
        for removal in removals:
            with pytest.raises(DBAPIError):
                place.execute(removal)
    history.verify_ledger()


def test_an_edit_past_the_database_is_found(history: Store, place: Place) -> None:
    for table, column, value in (*WRITTEN_ONCE, *WRITTEN_AGAIN):
        with place.triggers_off() as connection:
            undo, was = update(connection, table, column, value)
        with pytest.raises(Refused) as caught:
            history.verify_ledger()
        assert caught.value.reasons[0].code is ReasonCode.STORE_ROLLED_BACK, column
        with place.triggers_off() as connection:
            connection.execute(text(undo), {"was": was})
        history.verify_ledger()
    for added in (
        "INSERT INTO lanes (lane, next_generation, nonce) VALUES ('a/b/c', 9, 'nonce-1')",
        f"INSERT INTO proposals (digest, kind, document, proposer, proposed_at) "
        f"VALUES ('x', 'plan', '{{}}', 'mallory', {LONG_AGO})",
    ):
        place.execute(added)
        with pytest.raises(Refused):
            history.verify_ledger()
        place.without_triggers(
            "DELETE FROM lanes WHERE lane = 'a/b/c'", "DELETE FROM proposals WHERE digest = 'x'"
        )
    place.without_triggers("DELETE FROM kept_data")
    with pytest.raises(Refused, match="in the ledger and not in the store"):
        history.verify_ledger()


def test_an_altered_proposal_is_shown_to_nobody(history: Store, place: Place) -> None:
    (digest, document), *_ = place.execute("SELECT digest, document FROM proposals")
    assert history.proposal(digest).document == document
    place.without_triggers(
        "UPDATE proposals SET document = replace(document, 'once more', 'harmless')"
    )
    with pytest.raises(Refused, match="is not what its digest stands for") as caught:
        history.proposal(digest)
    assert "Sign nothing" in caught.value.reasons[0].remedy
