"""What a permit names as its source, and what differs from it."""

import pytest

from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.restore_source import (
    OfferedUpstream,
    permitted_source,
    source_differs,
    source_is_target,
)
from launchplane_lane_contracts.rulebook import source_reasons
from launchplane_lane_contracts.vocabulary import DataSource, Operation

from .cases import NOW, UPSTREAM, Case, allowed_case, changed
from .readings import a_permit
from .test_reasons import assert_is_told_in_sentences

CASES = {
    source: allowed_case(operation, source)
    for operation, source in (
        (Operation.RECREATE, DataSource.EXISTING),
        (Operation.RECREATE, DataSource.EMPTY),
        (Operation.RESTORE, DataSource.UPSTREAM_RESTORE),
        (Operation.RESTORE, DataSource.BACKUP_RESTORE),
        (Operation.RESTORE, DataSource.KEPT),
    )
}
FROM_UPSTREAM = CASES[DataSource.UPSTREAM_RESTORE]


def permit_of(case: Case) -> Permit:
    """A permit for this case."""
    assert case.policy is not None
    return a_permit().model_copy(
        update={"request": case.request, "policy": case.policy, "observation": case.observation}
    )


def offered(**different: str) -> OfferedUpstream:
    """What is about to be read: the recorded source, but for what is given."""
    same = {
        "host": UPSTREAM.host,
        "database": UPSTREAM.database,
        "filestore_path": UPSTREAM.filestore_path,
    }
    return OfferedUpstream(**{**same, **different})


@pytest.mark.parametrize("source", CASES)
def test_exactly_the_requested_source_is_named(source: DataSource) -> None:
    found = permitted_source(permit_of(CASES[source]))
    assert found.data_source is source
    assert (found.upstream is not None) is (source is DataSource.UPSTREAM_RESTORE)
    assert (found.backup is not None) is (source is DataSource.BACKUP_RESTORE)
    assert (found.kept is not None) is (source is DataSource.KEPT)
    if found.upstream is None:
        # Nothing is read over the network, so nothing can differ.
        assert not list(source_differs(found, OfferedUpstream()))
        assert not list(source_is_target(found, OfferedUpstream(), ""))


@pytest.mark.parametrize(
    "different",
    [
        {},
        {"host": f" {UPSTREAM.host.upper()}. "},
        {"filestore_path": f"{UPSTREAM.filestore_path}/"},
        {"filestore_path": UPSTREAM.filestore_path.removesuffix(f"/{UPSTREAM.database}")},
    ],
)
def test_the_same_source_in_other_words(different: dict[str, str]) -> None:
    found = permitted_source(permit_of(FROM_UPSTREAM))
    assert not list(source_differs(found, offered(**different)))


@pytest.mark.parametrize(
    ("different", "facts"),
    [
        ({"host": "elsewhere.example"}, {"host"}),
        ({"host": ""}, {"host"}),
        ({"database": "other"}, {"database", "files"}),
        ({"filestore_path": "/elsewhere"}, {"files"}),
        ({"filestore_path": ""}, {"files"}),
        ({"host": "", "database": "", "filestore_path": ""}, {"host", "database", "files"}),
    ],
)
def test_every_part_counts(different: dict[str, str], facts: set[str]) -> None:
    found = list(source_differs(permitted_source(permit_of(FROM_UPSTREAM)), offered(**different)))
    assert {each.facts["fact"] for each in found} == facts
    assert {each.code for each in found} == {"source_differs"}
    for each in found:
        assert_is_told_in_sentences(each)


def test_the_target_is_no_source() -> None:
    permitted = permitted_source(permit_of(FROM_UPSTREAM))
    own = offered(database=permitted.database)
    (found,) = source_is_target(permitted, own, UPSTREAM.host.upper())
    assert found.code == "source_is_the_lane_itself"
    assert_is_told_in_sentences(found)
    assert not list(source_is_target(permitted, own, "elsewhere"))
    assert not list(source_is_target(permitted, offered(), UPSTREAM.host))


@pytest.mark.parametrize("source", CASES)
def test_after_the_begin_only_the_source_is_asked_about(source: DataSource) -> None:
    case = CASES[source].change("observation.store_trusted", False)
    assert case.policy is not None
    assert not source_reasons(case.policy, case.request, case.observation, NOW)


@pytest.mark.parametrize(
    ("source", "path", "value", "code"),
    [
        (DataSource.EMPTY, "policy.bootstrap_empty_allowed", False, "source_not_allowed"),
        (
            DataSource.UPSTREAM_RESTORE,
            "observation.incoming.declared_upstream",
            changed(UPSTREAM, "host", "elsewhere"),
            "source_disagrees",
        ),
        (
            DataSource.BACKUP_RESTORE,
            "observation.incoming.backup_load_proof",
            None,
            "load_proof_missing",
        ),
        (DataSource.KEPT, "observation.incoming.kept_is_unchanged", False, "kept_changed"),
    ],
)
def test_the_rules_are_those_of_the_rule_book(
    source: DataSource, path: str, value: object, code: str
) -> None:
    case = CASES[source].change(path, value)
    assert case.policy is not None
    found = source_reasons(case.policy, case.request, case.observation, NOW)
    assert [each.code for each in found] == [code]
    assert all(each in case.decide().reasons for each in found)
