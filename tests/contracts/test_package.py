"""What the package itself gives is imported when somebody asks for it."""

import subprocess
import sys

import pytest

import launchplane_lane_contracts
from launchplane_lane_contracts.rulebook import decide


def test_everything_that_it_names_is_there() -> None:
    for name in launchplane_lane_contracts.__all__:
        assert getattr(launchplane_lane_contracts, name) is not None
    assert launchplane_lane_contracts.decide is decide


def test_what_it_does_not_name_is_not() -> None:
    with pytest.raises(AttributeError, match="allow"):
        _ = launchplane_lane_contracts.allow_everything


def test_one_file_does_not_bring_all_the_others() -> None:
    program = "import sys, launchplane_lane_contracts.lane\n" + (
        "sys.exit('launchplane_lane_contracts.rulebook' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
