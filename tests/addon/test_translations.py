"""The template for translators holds what Odoo itself exports."""

import re
from pathlib import Path

import pytest

from tests.addon.conftest import Installation
from tests.addon.odoo_lane import ADDON, ADDONS

TEMPLATE = ADDONS / ADDON / "i18n" / f"{ADDON}.pot"

pytestmark = pytest.mark.slow


def test_the_template_is_up_to_date(installation: Installation, tmp_path: Path) -> None:
    lane = installation.lane
    exported = tmp_path / "exported.pot"
    run = lane.child(
        lane.odoo.command(
            *("i18n", "export", "--config", str(lane.configuration)),
            *("--database", lane.database, "--output", str(exported), ADDON),
        )
    )
    assert run.returncode == 0, run.stdout[-5000:]
    assert terms(TEMPLATE.read_text()) == terms(exported.read_text())


def terms(template: str) -> list[str]:
    """All that is to be translated, in order; what else stands there changes by the minute."""
    entries = re.findall(r"^msgid (.*?)^msgstr", template, re.MULTILINE | re.DOTALL)
    return sorted(entry for entry in entries if entry.strip() != '""')
