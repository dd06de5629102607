"""`pg_dump --create` carries the tag and the lock: the tag names an oid that is not there."""

import pytest

from launchplane_lane_contracts.marker import EngineTag
from launchplane_lane_contracts.vocabulary import MarkerState, TagState
from tests.guard import fingerprint
from tests.guard.clones.verdict import expect_bound, expect_refusal, signed_before
from tests.guard.dumps import DUMP, dump, program
from tests.guard.estate import Estate
from tests.real.postgres import Role

BY = ("owner", "superuser")


def role_of(lane: Estate, by: str) -> Role:
    return lane.role if by == "owner" else lane.cluster.superuser


def restore_with_create(lane: Estate, by: str, *options: str, must_succeed: bool = True) -> int:
    command = ("pg_restore", "--create", *options, "-d", "postgres", str(lane.folder / DUMP))
    return program(lane, *command, role=role_of(lane, by), must_succeed=must_succeed)


@pytest.mark.parametrize("by", BY)
def test_restored_after_a_drop(lane: Estate, by: str) -> None:
    token = signed_before(lane)
    dump(lane, lane.database)
    before = fingerprint.databases(lane.cluster)[lane.database]
    lane.drop_like_the_devkit()
    restore_with_create(lane, by)
    found = fingerprint.databases(lane.cluster)[lane.database]
    assert (found.comment, found.oid == before.oid) == (before.comment, False)
    expect_refusal(lane, token, marker=MarkerState.COPIED, code="marker_copied")


@pytest.mark.parametrize("by", BY)
def test_restored_after_the_lock_was_taken_off(production: Estate, by: str) -> None:
    token = signed_before(production)
    dump(production, production.database)
    production.cluster.execute(f"ALTER DATABASE {production.database} WITH IS_TEMPLATE false")
    production.drop_like_the_devkit()
    restore_with_create(production, by)
    assert fingerprint.databases(production.cluster)[production.database].locked
    expect_refusal(production, token, marker=MarkerState.COPIED, code="marker_copied")


def test_a_superuser_replaces_a_locked_lane(production: Estate) -> None:
    """`--clean --create` as superuser clears the lock by itself. What comes is seen as a copy."""
    token = signed_before(production)
    dump(production, production.database)
    before = fingerprint.databases(production.cluster)[production.database]
    restore_with_create(production, "superuser", "--clean")
    assert fingerprint.databases(production.cluster)[production.database].oid != before.oid
    expect_refusal(production, token, marker=MarkerState.COPIED, code="marker_copied")


def test_the_owner_cannot_replace_a_locked_lane(production: Estate) -> None:
    """The drop fails. What is loaded into the live database then is SQL inside: not seen."""
    dump(production, production.database)
    before = fingerprint.databases(production.cluster)[production.database]
    assert restore_with_create(production, "owner", "--clean", must_succeed=False) != 0
    assert fingerprint.databases(production.cluster)[production.database].oid == before.oid
    expect_bound(production)


def test_a_tag_that_came_with_an_empty_database_says_nothing_of_it(bare: Estate) -> None:
    """What is set aside gets the generation of its permit, not that of the foreign tag."""
    bare.drop_like_the_devkit()
    bare.filestore.rename(bare.folder / "away")
    bare.execute(f"CREATE DATABASE {bare.database}")
    came = EngineTag(lane=bare.lane, generation=9, database_oid=4242, state=TagState.LIVE)
    bare.execute(f"COMMENT ON DATABASE {bare.database} IS '{came.text()}'")
    permit = bare.permit()
    bare.done("begin", bare.sign(permit))
    kept = EngineTag.from_comment(fingerprint.databases(bare.cluster)[permit.kept_name].comment)
    assert kept is not None
    assert kept.generation == permit.generation
