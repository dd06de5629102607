"""Odoo's own runner is the judge of the addon."""

import re

import pytest

from tests.addon.conftest import Installation
from tests.addon.odoo_lane import ADDON

LEAST_TESTS = 90

pytestmark = pytest.mark.slow


def test_all_tests_ran_and_passed(installation: Installation) -> None:
    log = installation.outcome.stdout
    assert installation.outcome.returncode == 0, log[-5000:]
    verdict = re.findall(r"odoo\.tests\.result: (\d+) failed, (\d+) error\(s\) of (\d+) tests", log)
    assert len(verdict) == 1, log[-5000:]
    failed, errors, tests = map(int, verdict[0])
    assert (failed, errors) == (0, 0), log[-5000:]
    assert tests >= LEAST_TESTS
    started = re.findall(
        r"odoo\.addons\.(launchplane_\w+)\.tests\.\w+: Starting (\w+\.\w+) \.\.\.", log
    )
    ours = [test for addon, test in started if addon == ADDON]
    assert len(ours) >= LEAST_TESTS
    # What another addon tries, and what comes of it.
    assert len(started) - len(ours) == 3


def test_nothing_is_wrong_in_the_log(installation: Installation) -> None:
    complaints = re.findall(
        r"^\S+ \S+ \d+ (?:WARNING|ERROR|CRITICAL) .*$", installation.outcome.stdout, re.M
    )
    assert complaints == []


def test_tables_that_the_guard_made_are_adopted(installation: Installation) -> None:
    assert installation.outcome.returncode == 0
    assert None not in installation.oids_before
    assert installation.lane.table_oids() == installation.oids_before


def test_an_update_leaves_the_tables_alone(installation: Installation) -> None:
    updated = installation.lane.run(
        "--update", "launchplane_lane_authority", "--stop-after-init", "--no-http"
    )
    assert updated.returncode == 0, updated.stdout[-5000:]
    assert "Loading module launchplane_lane_authority" in updated.stdout
    assert installation.lane.table_oids() == installation.oids_before
