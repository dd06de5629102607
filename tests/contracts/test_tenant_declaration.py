"""A tenant's declaration: read with every mistake, and compared part by part."""

import pytest

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_contracts.mistakes import Mistakes
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.tenant_declaration import (
    TenantDeclaration,
    declaration_disagrees,
    declared_source,
    read_declarations,
    source_differences,
)
from launchplane_lane_contracts.vocabulary import RolloutState
from tests.declarations import declaration_text

from .cases import LANE, OTHER_LANE, UPSTREAM

ELSEWHERE = UPSTREAM.model_copy(update={"host": "new.example.org"})
ALIKE = TenantDeclaration(schema_version=1, lane=LANE, upstream_source=UPSTREAM)
NONE = TenantDeclaration(schema_version=1, lane=LANE)


def policy(**changed: object) -> Policy:
    return Policy.model_validate(
        {
            "lane": LANE,
            "rollout_state": RolloutState.TESTING,
            "authoritative_data": False,
            "restore_from_upstream_allowed": True,
            "upstream_source": UPSTREAM,
            **changed,
        }
    )


def mistakes(text: str) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        read_declarations(text.encode())
    return [str(each) for each in caught.value.mistakes]


def test_what_people_write_is_read() -> None:
    assert read_declarations(declaration_text(LANE, UPSTREAM).encode()) == (ALIKE,)
    assert read_declarations(declaration_text(LANE).encode()) == (NONE,)
    both = "".join(
        f'[[lanes]]\nschema_version = 1\nlane = "{lane}"\n' for lane in (LANE, OTHER_LANE)
    )
    assert [each.lane for each in read_declarations(both.encode())] == [LANE, OTHER_LANE]


def test_every_mistake_is_named_with_its_line() -> None:
    text = declaration_text(LANE, UPSTREAM).replace("schema_version = 1", "schema_version = 2")
    found = mistakes(text.replace("host =", "hots ="))
    assert found[0].startswith("line 1: schema_version: there is no such value; found 2")
    assert any("line 6: upstream_source.hots" in each for each in found)
    assert any("is host meant?" in each for each in found)
    assert any("upstream_source.host: it is missing" in each for each in found)


def test_a_version_must_be_written() -> None:
    (found,) = mistakes(f'lane = "{LANE}"\n')
    assert found == "schema_version: it is missing; accepted: 1."


def test_a_lane_is_not_its_own_source() -> None:
    own = UPSTREAM.model_copy(update={"lane": LANE})
    (found,) = mistakes(declaration_text(LANE, own))
    assert "upstream_source must not be the lane itself" in found
    assert found.startswith("line 4: upstream_source")


def test_the_declaration_in_the_image_counts_and_none_that_disagrees_is_passed_over() -> None:
    assert declared_source(None, UPSTREAM, UPSTREAM) is None
    assert declared_source(UPSTREAM, None, UPSTREAM) == UPSTREAM
    assert declared_source(UPSTREAM, UPSTREAM, UPSTREAM) == UPSTREAM
    assert declared_source(ELSEWHERE, UPSTREAM, UPSTREAM) == ELSEWHERE
    assert declared_source(UPSTREAM, ELSEWHERE, UPSTREAM) == ELSEWHERE


def test_differences_name_every_part() -> None:
    assert source_differences(UPSTREAM, UPSTREAM) == ""
    other = UPSTREAM.model_copy(
        update={"host": "new.example.org", "database": DatabaseName("other"), "lane": OTHER_LANE}
    )
    assert source_differences(UPSTREAM, other) == (
        f"host {UPSTREAM.host} and new.example.org, database {UPSTREAM.database} and other, "
        f"lane none and {OTHER_LANE}"
    )


@pytest.mark.parametrize(
    ("declaration", "recorded", "codes"),
    [
        (ALIKE, policy(), []),
        (NONE, policy(upstream_source=None, restore_from_upstream_allowed=False), []),
        (NONE, policy(restore_from_upstream_allowed=False), []),
        (NONE, policy(), [ReasonCode.SOURCE_UNDECLARED]),
        (ALIKE, None, [ReasonCode.POLICY_UNKNOWN]),
        (
            ALIKE,
            policy(upstream_source=None, restore_from_upstream_allowed=False),
            [ReasonCode.SOURCE_DISAGREES],
        ),
        (ALIKE, policy(upstream_source=ELSEWHERE), [ReasonCode.SOURCE_DISAGREES]),
    ],
)
def test_against_the_record(
    declaration: TenantDeclaration, recorded: Policy | None, codes: list[ReasonCode]
) -> None:
    found = list(declaration_disagrees(declaration, recorded))
    assert [each.code for each in found] == codes
    assert all(each.message and each.remedy for each in found)
