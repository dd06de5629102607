"""The Settings screen in a real browser: what an administrator sees at a glance.

With `LANE_AUTHORITY_SCREENSHOTS` naming a folder the screens are kept there; `docs/settings` has
those of the last time that somebody looked at them.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from launchplane_lane_contracts.lane import Lane
from tests.addon.conftest import Installation
from tests.addon.control_plane import ControlPlane
from tests.addon.odoo_lane import OdooLane, identity_json
from tests.addon.served_odoo import served
from tests.addon.stamping import policy, resettable, stamp, unstamp
from tests.addon.test_quarantine import SERVER_WIDE
from tests.real.debian import chromium, provide

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

CM = Lane(product="odoo-tenant-cm", context="cm", instance="prod")
SYO = Lane(product="odoo-tenant-syo", context="syo", instance="prod")
SIZES = {
    "desktop": {"width": 1280, "height": 1050},
    "phone": {"width": 390, "height": 844},
}
# The first visit builds what the browser needs.
PATIENCE_MILLISECONDS = 120_000
BLOCK = "Launchplane lane"
BADGE = ".o_launchplane_lane_badge"
KEEP_IN = "LANE_AUTHORITY_SCREENSHOTS"


@dataclass(frozen=True)
class Situation:
    """What stands in the database, and what is to be read then."""

    make: Callable[[OdooLane, ControlPlane], None]
    words: tuple[str, ...]
    badge: str = ""


def _locked(lane: OdooLane, control_plane: ControlPlane) -> None:
    stamp(lane, control_plane, policy(CM))
    lane.cluster.execute(f"ALTER DATABASE {lane.database} IS_TEMPLATE true")


SITUATIONS = {
    "protected": Situation(
        _locked,
        ("Protected", "no rebuild may throw it away", str(CM), "Mail and scheduled actions run."),
    ),
    "provisional": Situation(
        lambda lane, host: stamp(lane, host, policy(CM, days=5)),
        ("Protected in 5 days", "This data may still be replaced", str(CM)),
        badge="Provisional: 5 days",
    ),
    "resettable": Situation(
        lambda lane, host: stamp(lane, host, resettable(CM)),
        ("May be replaced", "A rebuild may replace this data", str(CM)),
    ),
    "copied": Situation(
        lambda lane, host: stamp(lane, host, policy(CM), written_elsewhere=True),
        ("Rebuilds are refused", "A copy", "In quarantine", "Mail stays queued"),
        badge="Quarantine",
    ),
    "never stamped": Situation(
        lambda lane, _host: unstamp(lane), ("Not registered", "Nobody has recorded yet")
    ),
    "foreign": Situation(
        lambda lane, host: stamp(lane, host, policy(SYO)),
        ("Rebuilds are refused", "Another lane's data", f"belongs to lane {SYO}", "In quarantine"),
        badge="Quarantine",
    ),
}


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


@dataclass(frozen=True)
class Desk:
    """A running Odoo, and somebody who has logged in at each size of screen."""

    lane: OdooLane
    control_plane: ControlPlane
    address: str
    pages: dict[str, Page]


@pytest.fixture(scope="module")
def desk(
    installation: Installation, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    keys = tmp_path_factory.mktemp("screen") / "keys.json"
    control_plane = ControlPlane(keys)
    environment = {
        "LAUNCHPLANE_RUNTIME_IDENTITY_JSON": identity_json(CM.product, CM.context, CM.instance),
        "LANE_AUTHORITY_PUBLIC_KEYS": str(keys),
    }
    lane = installation.lane
    with served(lane, environment, *SERVER_WIDE) as address:
        pages = {name: log_in(browser, address, size) for name, size in SIZES.items()}
        yield Desk(lane, control_plane, address, pages)
    lane.cluster.execute(f"ALTER DATABASE {lane.database} IS_TEMPLATE false")


def log_in(browser: Browser, address: str, size: dict[str, int]) -> Page:
    page = browser.new_page(viewport={"width": size["width"], "height": size["height"]})
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    page.goto(f"{address}/web/login")
    page.fill("#login", "admin")
    page.fill("#password", "admin")
    page.click("button[type=submit]")
    page.wait_for_url("**/odoo**")
    return page


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("name", list(SITUATIONS))
def test_the_block_says_whose_data_it_is(desk: Desk, name: str, size: str) -> None:
    situation, page = SITUATIONS[name], desk.pages[size]
    desk.lane.cluster.execute(f"ALTER DATABASE {desk.lane.database} IS_TEMPLATE false")
    situation.make(desk.lane, desk.control_plane)
    with page.expect_response("**/lane_badge"):
        page.goto(f"{desk.address}/odoo/settings")
    page.get_by_text(BLOCK, exact=True).first.wait_for()
    text = page.inner_text(".o_setting_container, .settings")
    for words in situation.words:
        assert words in text
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    if situation.badge:
        page.locator(BADGE).wait_for()
        assert page.locator(f"{BADGE} i").get_attribute("aria-label") == situation.badge
    else:
        assert page.locator(BADGE).count() == 0
    keep(page, name, size)
    if situation.badge:
        # On a phone nothing hovers: the badge says its text when it is touched.
        page.locator(BADGE).click()
        said = page.locator(".o_notification_content").first
        said.wait_for()
        assert len(said.inner_text()) > len(situation.badge)


def keep(page: Page, name: str, size: str) -> None:
    """Keep the screen for people to look at, where somebody asked for it."""
    folder = os.environ.get(KEEP_IN)
    if folder:
        path = Path(folder) / f"{name.replace(' ', '-')}-{size}.png"
        width, height = SIZES[size]["width"], SIZES[size]["height"]
        page.set_viewport_size({"width": width, "height": 3000})
        below = page.locator("#launchplane_kept_setting").bounding_box()
        assert below is not None
        page.screenshot(
            path=path,
            clip={"x": 0, "y": 0, "width": width, "height": below["y"] + below["height"] + 24},
        )
        page.set_viewport_size({"width": width, "height": height})
