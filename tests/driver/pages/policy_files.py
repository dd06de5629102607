"""The policy files that the pages show, with their date moved to where it still lies ahead."""

import re
from datetime import timedelta

from launchplane_lane_driver.lane_office import utc_now
from tests.typed_pages import fenced

DATE = re.compile(r"provisional_until = \S+")


def moved(text: str) -> str:
    """The same file; a provisional lane ends sixty days from now."""
    until = (utc_now() + timedelta(days=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return DATE.sub(f"provisional_until = {until}", text)


def policy_of(state: str) -> str:
    """The page's policy of a lane in this state."""
    (found,) = (
        each for each in fenced("setting-up.md", "toml") if f'rollout_state = "{state}"' in each
    )
    return moved(found)
