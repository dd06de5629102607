"""Every diagram of the documents is drawn by Mermaid itself, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Error, Page, sync_playwright

from tests.real.debian import chromium
from tests.real.mermaid import mermaid_script
from tests.system.test_pages import ARROW, diagrams

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

DRAW = "async text => (await mermaid.render('drawn', text)).svg"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """An empty page that has loaded Mermaid, and reaches nothing else."""
    script = mermaid_script()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium()), args=["--no-sandbox", "--disable-gpu"]
        )
        opened = browser.new_page()
        opened.set_content("<html><body></body></html>")
        opened.add_script_tag(path=script)
        opened.evaluate("mermaid.initialize({startOnLoad: false})")
        yield opened
        browser.close()


@pytest.mark.parametrize(("name", "body"), diagrams())
def test_it_is_drawn_with_every_word(page: Page, name: str, body: str) -> None:
    drawn = page.evaluate(DRAW, body)
    assert drawn.startswith("<svg"), name
    page.set_content(f"<body>{drawn}</body>")
    said = " ".join(page.inner_text("body").split())
    for line in body.splitlines():
        arrow = ARROW.match(line.strip())
        if arrow and arrow[3]:
            assert arrow[3].removeprefix(" : ") in said, (name, line)


def test_what_is_no_diagram_is_not_drawn(page: Page) -> None:
    with pytest.raises(Error, match="Parse error"):
        page.evaluate(DRAW, "stateDiagram-v2\n  a --> --> b")
