"""What the tests of copies share."""

import pytest

from tests.guard.clones.verdict import signed_before
from tests.guard.estate import Estate


@pytest.fixture
def token(lane: Estate) -> str:
    """A permit that was signed before anything was done to the lane's data."""
    return signed_before(lane)
