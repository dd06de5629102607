"""Orders that would contradict themselves do not exist."""

from typing import Any

import pytest
from pydantic import ValidationError

from launchplane_lane_contracts.contract import RULEBOOK_VERSION, Person
from launchplane_lane_contracts.orders import (
    GivenUp,
    MaterialiseOrder,
    OpenOrder,
    ProvenByBackup,
    ReleaseOrder,
    later_rule_book,
)

from .cases import LANE, UPSTREAM, changed
from .every_model import KEPT_REFERENCE, ORDER_FIELDS, RELEASE, VALUES
from .readings import a_lowering, a_stamp


def test_an_order_that_lowers_writes_no_authoritative_marker() -> None:
    with pytest.raises(ValidationError, match="may not write an authoritative marker"):
        changed(a_lowering(), "marker.authoritative", True)


def test_an_order_over_a_copy_gives_it_no_authority() -> None:
    other = LANE.model_copy(update={"instance": "other"})
    replaceable = changed(a_stamp(), "marker.authoritative", False)
    replaceable = changed(replaceable, "replaces", "e" * 64)
    assert changed(replaceable, "copy_of", other).copy_of == other
    for order in (
        changed(replaceable, "marker.authoritative", True),
        changed(replaceable, "replaces", None),
    ):
        with pytest.raises(ValidationError, match="has no authority"):
            changed(order, "copy_of", other)
    with pytest.raises(ValidationError, match="has no authority"):
        changed(replaceable, "copy_of", replaceable.lane)


def test_an_order_that_lowers_writes_a_marker_of_its_own() -> None:
    order = a_lowering()
    with pytest.raises(ValidationError, match="a nonce of its own"):
        changed(order, "lowers_nonce", order.marker.nonce)


@pytest.mark.parametrize(
    ("fact", "value"), [("has_filestore", False), ("basis.filestore_digest", None)]
)
def test_a_proof_covers_the_files_exactly_where_files_were_kept(fact: str, value: Any) -> None:
    with pytest.raises(ValidationError, match="covers the files"):
        changed(RELEASE, fact, value)


def test_a_proof_of_a_database_without_files() -> None:
    assert isinstance(RELEASE.basis, ProvenByBackup)
    plain = RELEASE.to_plain()
    plain.update(has_filestore=False, basis={**plain["basis"], "filestore_digest": None})
    assert not ReleaseOrder.from_plain(plain).has_filestore


def test_a_release_has_exactly_one_basis() -> None:
    plain = RELEASE.to_plain()
    for basis in (None, {}, {"kind": "due"}, [plain["basis"]], {**plain["basis"], "by": ["a"]}):
        with pytest.raises(ValidationError):
            ReleaseOrder.from_plain({**plain, "basis": basis})


def test_nobody_gives_up_data_in_nobodys_name() -> None:
    for people in ((), (Person(""),)):
        with pytest.raises(ValidationError):
            GivenUp(by=people)


def test_an_order_to_open_names_what() -> None:
    with pytest.raises(ValidationError):
        OpenOrder(**ORDER_FIELDS, kept=())
    assert OpenOrder(**ORDER_FIELDS, kept=(KEPT_REFERENCE,) * 2).kept[1] == KEPT_REFERENCE


def test_exactly_one_source_is_materialised() -> None:
    (order,) = (each for each in VALUES if isinstance(each, MaterialiseOrder))
    assert order.backup is not None
    for other in ({"backup": None}, {"upstream": UPSTREAM}):
        with pytest.raises(ValidationError, match="exactly one source"):
            order.model_validate({**dict(order), **other})


def test_only_a_later_rule_book_is_named() -> None:
    assert later_rule_book({"rulebook_version": RULEBOOK_VERSION + 1}) == RULEBOOK_VERSION + 1
    for known in (RULEBOOK_VERSION, RULEBOOK_VERSION - 1, "9", None):
        assert later_rule_book({"rulebook_version": known}) is None
    for no_order in (None, "order", 1):
        assert later_rule_book(no_order) is None
