"""What screens are told of our driver: every policy field once, every hook an action."""

import inspect

from launchplane_lane_contracts.descriptor import ActionSafety
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_driver import hookspecs
from launchplane_lane_driver.descriptor import descriptor

NO = reason(ReasonCode.POLICY_UNKNOWN, "Nobody recorded a policy.", "Propose one.")


def test_every_field_of_a_policy_stands_in_one_group() -> None:
    shown = [field for group in descriptor().setting_groups for field in group.fields]
    assert sorted(shown) == sorted(set(Policy.model_fields) - {"lane", "schema_version"})


def test_every_hook_but_the_two_that_nobody_asks_for_is_an_action() -> None:
    hooks = {
        name.removeprefix("launchplane_")
        for name, each in vars(hookspecs).items()
        if inspect.isfunction(each) and name.startswith("launchplane_")
    }
    actions = {each.action_id for each in descriptor().actions}
    assert actions == hooks - {"describe_driver", "notify"}


def test_what_reaches_a_lane_s_data_is_called_destructive() -> None:
    found = {
        each.action_id for each in descriptor().actions if each.safety is ActionSafety.DESTRUCTIVE
    }
    assert found == {"before_provider_effect", "undo_rebuild"}


def test_a_disabled_action_carries_its_reasons_and_the_others_none() -> None:
    made = descriptor({"review_rebuild": [NO], "lane_view": []})
    assert made.action("review_rebuild").disabled_reasons == (NO,)
    assert not made.action("review_rebuild").enabled
    assert [each.action_id for each in made.actions if not each.enabled] == ["review_rebuild"]
    assert type(made).from_plain(made.to_plain()) == made
