"""Lanes, requests, names of kept data, tags, receipts and errors."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.errors import (
    BadInput,
    Busy,
    CouldNotTell,
    ExitCode,
    LaneAuthorityError,
    Refused,
)
from launchplane_lane_contracts.filestore_check import FilesCounted
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.lives import (
    BackupGivenUp,
    Loss,
    Lowering,
    Move,
    Release,
    Retirement,
)
from launchplane_lane_contracts.marker import ENGINE_TAG_PREFIX, EngineTag
from launchplane_lane_contracts.naming import (
    LONGEST_NAME,
    REMAINS,
    is_side_name,
    kept_name,
    side_name,
)
from launchplane_lane_contracts.receipt import RECEIPT_NAME, Receipt
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.vocabulary import REQUESTS_THAT_EXIST, DataSource, Operation, Weight

from .cases import (
    LANE,
    a_request,
)
from .every_model import FILES_CHECK, RECEIPT, SOME_FILES, VALUES
from .provocations import PROVOCATIONS
from .readings import an_engine_tag


def test_a_lane_is_written_in_three_parts() -> None:
    assert Lane.parse("odoo-tenant-cm/cm/prod") == LANE
    assert str(LANE) == "odoo-tenant-cm/cm/prod"


@pytest.mark.parametrize(
    "text",
    ["", "a", "a/b", "a/b/c/d", "a//c", "A/b/c", "a/b/c\n", "a/b/-c", "a/b/ü", "../b/c", " a/b/c"],
)
def test_anything_else_is_no_lane(text: str) -> None:
    with pytest.raises(ValueError, match=r"lane|pattern"):
        Lane.parse(text)


@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize("source", list(DataSource))
def test_only_pairs_that_exist_are_requests(operation: Operation, source: DataSource) -> None:
    if (operation, source) in REQUESTS_THAT_EXIST:
        assert a_request(operation, source).operation is operation
    else:
        with pytest.raises(ValidationError, match="is not a request; there are"):
            a_request(operation, source)


@pytest.mark.parametrize(
    ("source", "field", "value"),
    [
        (DataSource.BACKUP_RESTORE, "backup_id", None),
        (DataSource.KEPT, "kept_database", None),
        (DataSource.KEPT, "backup_id", "backup-1"),
        (DataSource.BACKUP_RESTORE, "kept_database", "cm__kept"),
    ],
)
def test_a_request_names_what_it_restores_and_nothing_else(
    source: DataSource, field: str, value: Any
) -> None:
    plain = a_request(Operation.RESTORE, source).to_plain()
    with pytest.raises(ValidationError, match="goes with"):
        Request.from_plain({**plain, field: value})


@given(
    some.text(alphabet=some.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    .filter(bool)
    .map(lambda text: text.encode()[:LONGEST_NAME].decode(errors="ignore"))
    .filter(bool),
    some.integers(min_value=1, max_value=10**9),
    some.sampled_from([*Operation, REMAINS]),
    some.text("0123456789abcdef", min_size=32, max_size=32),
)
def test_a_kept_name_fits_and_says_what_it_is(
    database: str, generation: int, what: str, permit: str
) -> None:
    name = kept_name(DatabaseName(database), generation, what, permit)
    assert 0 < len(name.encode()) <= LONGEST_NAME
    assert name.endswith(f"__kept_g{generation}_{what}_{permit[-6:]}")
    assert name != database


@given(
    some.text(min_size=1, max_size=63),
    some.text("0123456789abcdef", min_size=16, max_size=16),
)
def test_a_side_name_fits_and_is_no_kept_name(database: str, random: str) -> None:
    name = side_name(DatabaseName(database), random)
    assert 0 < len(name.encode()) <= LONGEST_NAME
    assert is_side_name(name)
    assert not is_side_name(kept_name(DatabaseName(database), 7, REMAINS, random * 2))


@pytest.mark.parametrize("name", ["lane", "lane__side_0123", "lane__side_0123456789abcdeg"])
def test_other_names_are_no_side_names(name: str) -> None:
    assert not is_side_name(name)


def test_kept_names_do_not_collide() -> None:
    names = [DatabaseName("ü" * 31), DatabaseName("ü" * 30 + "x"), DatabaseName("cm")]
    permits = ["permit-aaaaaa", "permit-bbbbbb"]
    # One lane never has a generation twice; two lanes never have a permit in common.
    made = {
        kept_name(names[0], generation, what, permits[0])
        for generation in (1, 11, 111)
        for what in (*Operation, REMAINS)
    }
    assert len(made) == 12
    shortened = {
        kept_name(name, 1, REMAINS, permits[number]) for number, name in enumerate(names[:2])
    }
    assert len(shortened) == 2
    assert kept_name(DatabaseName("cm"), 4, Operation.RECREATE, "permit-ABC123") == (
        "cm__kept_g4_recreate_abc123"
    )


def test_an_engine_tag_is_read_back_from_its_comment() -> None:
    tag = an_engine_tag()
    assert EngineTag.from_comment(tag.text()) == tag


@pytest.mark.parametrize(
    "comment",
    [
        None,
        "",
        "production database of cm",
        ENGINE_TAG_PREFIX,
        ENGINE_TAG_PREFIX + "{",
        ENGINE_TAG_PREFIX + "null",
        ENGINE_TAG_PREFIX + "[]",
        ENGINE_TAG_PREFIX + "{" * 100_000,
        ENGINE_TAG_PREFIX + '{"generation":"7"}',
        an_engine_tag().text() + "x",
        " " + an_engine_tag().text(),
        an_engine_tag().text().replace('"generation":7', '"generation":0'),
        an_engine_tag().text().replace('"generation":7', '"generation":7.5'),
        an_engine_tag().text().replace('"schema_version":1', '"schema_version":2'),
        an_engine_tag().text().replace('"live"', '"alive"'),
    ],
)
def test_a_comment_that_is_no_tag_is_none(comment: str | None) -> None:
    assert EngineTag.from_comment(comment) is None


@given(some.text())
def test_garbage_is_no_tag(text: str) -> None:
    assert EngineTag.from_comment(ENGINE_TAG_PREFIX + text) is None


def test_a_receipt_is_one_line_that_holds_the_nonce_but_nothing_long() -> None:
    line = RECEIPT.line()
    name, _, encoded = line.partition("=")
    assert name == RECEIPT_NAME
    assert "\n" not in line
    back = Receipt.from_json(base64.b64decode(encoded, validate=True))
    assert back == RECEIPT.model_copy(update={"result": None, "reading": None})
    assert back.nonce == RECEIPT.nonce


def test_a_lane_enrolled_without_protection_asks_for_an_approver() -> None:
    enrolment = next(value for value in VALUES if type(value).__name__ == "Enrolment")
    assert enrolment.__class__.from_plain(enrolment.to_plain()) == enrolment
    plain = json.loads(enrolment.canonical())
    assert getattr(enrolment, "weight", None) is Weight.ROUTINE
    open_one = type(enrolment).from_plain({**plain, "authoritative": False})
    assert getattr(open_one, "weight", None) is Weight.CONSEQUENTIAL


def test_data_is_adopted_by_whoever_finds_a_tag_lost_and_else_with_an_approver() -> None:
    other, adoption = (
        next(value for value in VALUES if type(value).__name__ == name)
        for name in ("LifeDocument", "Adoption")
    )
    assert getattr(other, "weight", None) is Weight.CONSEQUENTIAL
    assert getattr(adoption, "weight", None) is Weight.CONSEQUENTIAL
    lost_tag = type(adoption).from_plain({**adoption.to_plain(), "only_a_tag_was_lost": True})
    assert getattr(lost_tag, "weight", None) is Weight.ROUTINE


@pytest.mark.parametrize(
    ("authoritative", "proven", "early", "weight"),
    [
        (False, False, False, Weight.ROUTINE),
        (True, True, False, Weight.ROUTINE),
        (False, False, True, Weight.CONSEQUENTIAL),
        (True, True, True, Weight.CONSEQUENTIAL),
        (True, False, False, Weight.GRAVE),
    ],
)
def test_who_lets_kept_data_go(
    authoritative: bool, proven: bool, early: bool, weight: Weight
) -> None:
    release = next(value for value in VALUES if isinstance(value, Release))
    changed = {
        "authoritative": authoritative,
        "early": early,
        "proof": release.proof if proven else None,
    }
    assert release.model_copy(update=changed).weight is weight


def test_a_marker_is_signed_again_without_an_approver() -> None:
    restamping = next(value for value in VALUES if type(value).__name__ == "Restamping")
    assert getattr(restamping, "weight", None) is Weight.ROUTINE


def test_a_marker_is_lowered_with_the_policy_or_signed_for_by_two() -> None:
    lowering = next(value for value in VALUES if isinstance(value, Lowering))
    assert lowering.weight is Weight.ROUTINE
    assert lowering.model_copy(update={"carried_by": None}).weight is Weight.GRAVE


def test_what_a_backup_alone_holds_is_given_up_by_two() -> None:
    given_up = next(value for value in VALUES if isinstance(value, BackupGivenUp))
    assert given_up.weight is Weight.GRAVE


def test_a_lane_is_retired_as_its_data_is_set_aside() -> None:
    retirement = next(value for value in VALUES if isinstance(value, Retirement))
    assert retirement.weight is Weight.CONSEQUENTIAL
    assert retirement.model_copy(update={"authoritative": False}).weight is Weight.ROUTINE


def test_a_move_is_graver_where_kept_data_is_given_up() -> None:
    move = next(value for value in VALUES if isinstance(value, Move))
    assert move.weight is Weight.GRAVE
    assert move.model_copy(update={"kept_given_up": ()}).weight is Weight.CONSEQUENTIAL


def test_only_a_loss_ends_an_operation_that_is_unfinished() -> None:
    loss = next(value for value in VALUES if isinstance(value, Loss))
    assert loss.ends == loss.ends_operation
    assert loss.model_copy(update={"ends_operation": None}).ends is None
    move = next(value for value in VALUES if isinstance(value, Move))
    assert move.ends is None


def test_exit_codes_never_change() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "USAGE": 2,
        "REFUSED": 50,
        "COULD_NOT_TELL": 51,
        "BUSY": 52,
    }
    kinds: tuple[type[LaneAuthorityError], ...] = (Refused, CouldNotTell, Busy, BadInput)
    assert [kind.exit_code for kind in kinds] == [50, 51, 52, 2]
    assert LaneAuthorityError.exit_code == 51


def test_a_refusal_holds_all_its_reasons() -> None:
    reasons = [each.provoked().decide().reasons[0] for each in PROVOCATIONS[:2]]
    refused = Refused.because(*reasons)
    assert refused.reasons == tuple(reasons)
    for each in reasons:
        assert f"{each.code}: {each.message}" in str(refused)


def test_files_are_complete_when_none_is_missing_and_none_damaged() -> None:
    whole = FILES_CHECK.model_copy(update={"missing": FilesCounted()})
    assert whole.complete
    assert not FILES_CHECK.complete
    assert not whole.model_copy(update={"damaged": SOME_FILES}).complete
