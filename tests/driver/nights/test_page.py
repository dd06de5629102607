"""Every night of the page has a test that types it."""

from pathlib import Path

from tests.driver.nights.night import nights


def test_every_night_is_typed_by_a_test() -> None:
    tests = "\n".join(each.read_text() for each in Path(__file__).parent.glob("test_*.py"))
    found = nights()
    assert len(found) > 10
    for heading, commands in found.items():
        assert f'"{heading}"' in tests, heading
        assert commands
