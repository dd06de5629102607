"""The Settings screen in a real browser: what an administrator sees at a glance."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.policy import Policy
from tests.addon.conftest import Installation
from tests.addon.control_plane import ControlPlane
from tests.addon.odoo_lane import identity_json
from tests.addon.served_odoo import served
from tests.addon.stamping import policy, stamp
from tests.real.debian import chromium, provide

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

CM = Lane(product="odoo-tenant-cm", context="cm", instance="prod")
SYO = Lane(product="odoo-tenant-syo", context="syo", instance="prod")
DESKTOP = {"width": 1280, "height": 1050}
PHONE = {"width": 390, "height": 844}
# The first visit builds what the browser needs.
PATIENCE_MILLISECONDS = 120_000
BLOCK = "Launchplane lane"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    provide(browser=True)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(chromium()),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield started
        started.close()


def settings(browser: Browser, address: str, size: dict[str, int]) -> Page:
    """General Settings, as an administrator finds them."""
    page = browser.new_page(viewport={"width": size["width"], "height": size["height"]})
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    page.goto(f"{address}/web/login")
    page.fill("#login", "admin")
    page.fill("#password", "admin")
    page.click("button[type=submit]")
    page.wait_for_url("**/odoo**")
    page.goto(f"{address}/odoo/settings")
    page.get_by_text(BLOCK, exact=True).first.wait_for()
    return page


@pytest.mark.parametrize(
    ("recorded", "badge", "words"),
    [
        (policy(CM), "Protected", "no rebuild may throw it away"),
        (policy(CM, days=5), "Protected in 5 days", "This data may still be replaced"),
        (
            policy(SYO),
            "Another lane's data: rebuilds are refused",
            "belongs to lane odoo-tenant-syo",
        ),
    ],
    ids=["protected", "provisional", "foreign"],
)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_block_says_whose_data_it_is(
    browser: Browser,
    installation: Installation,
    tmp_path: Path,
    recorded: Policy,
    badge: str,
    words: str,
    size: dict[str, int],
) -> None:
    control_plane = ControlPlane(tmp_path / "keys.json")
    stamp(installation.lane, control_plane, recorded)
    environment = {
        "LAUNCHPLANE_RUNTIME_IDENTITY_JSON": identity_json(CM.product, CM.context, CM.instance),
        "LANE_AUTHORITY_PUBLIC_KEYS": str(tmp_path / "keys.json"),
    }
    with served(installation.lane, environment) as address:
        page = settings(browser, address, size)
        text = page.inner_text(".o_setting_container, .settings")
        overflow = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        page.close()
    assert badge in text
    assert words in text
    assert str(recorded.lane) in text or recorded.lane == SYO
    assert not overflow
