"""Reading Launchplane's API and its folder: pages, tokens, and every way of not answering."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import BadInput, CouldNotTell
from launchplane_lane_driver import launchplane_source
from launchplane_lane_driver.launchplane_source import HttpSource
from launchplane_lane_driver.launchplane_source import launchplane_source as source_of
from tests.standins.launchplane_api import LaunchplaneApi, serving

TOKEN = "launchplane-token"


@pytest.fixture
def api() -> Iterator[LaunchplaneApi]:
    with serving(LaunchplaneApi(TOKEN)) as served:
        served.records["product-profiles"] = [{"product": f"p{n}"} for n in range(5)]
        yield served


def read(api: LaunchplaneApi, *products: str, token: str = TOKEN) -> list[str]:
    source = HttpSource(api.address, token, timeout=5, wait=0)
    return [json.loads(each)["product"] for each in source.profiles(products)]


def test_every_page_is_read(api: LaunchplaneApi) -> None:
    assert read(api) == ["p0", "p1", "p2", "p3", "p4"]
    assert len(api.requests) == 3
    assert {token for _path, token in api.requests} == {f"Bearer {TOKEN}"}
    assert read(api, "p3", "p1") == ["p3", "p1"]
    assert list(HttpSource(api.address, TOKEN).gates()) == []
    del api.records["backup-gates"]
    assert list(HttpSource(api.address, TOKEN).gates()) == []


def test_a_product_that_is_not_there(api: LaunchplaneApi) -> None:
    with pytest.raises(BadInput, match="no product p9"):
        read(api, "p9")


def test_a_read_is_tried_again_and_not_for_ever(api: LaunchplaneApi) -> None:
    api.failures = [503, 429, 502]
    assert read(api, "p0") == ["p0"]
    assert len(api.requests) == 4
    api.failures = [503] * 9
    with pytest.raises(CouldNotTell, match="answered 503"):
        read(api, "p0")
    assert len(api.failures) == 9 - launchplane_source.ATTEMPTS


@pytest.mark.parametrize("status", [400, 500, 302])
def test_what_is_no_answer(api: LaunchplaneApi, status: int) -> None:
    api.failures = [status]
    with pytest.raises(CouldNotTell, match=f"answered {status}"):
        read(api, "p0")
    assert len(api.requests) == 1


def test_a_token_that_is_not_taken_is_never_shown(api: LaunchplaneApi) -> None:
    with pytest.raises(CouldNotTell, match="did not take the token") as caught:
        read(api, token="a-wrong-token")
    assert "a-wrong-token" not in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>", b"[" * 100_000, b'"text"'])
def test_what_is_no_list_of_records(api: LaunchplaneApi, body: bytes) -> None:
    api.body = body
    with pytest.raises(CouldNotTell):
        read(api)


def test_too_much_is_not_read(api: LaunchplaneApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchplane_source, "LARGEST_BYTES", 10)
    with pytest.raises(CouldNotTell, match="bytes"):
        read(api)


def test_the_token_goes_nowhere_else(api: LaunchplaneApi) -> None:
    api.next_page = "http://127.0.0.1:1/v1/product-profiles"
    with pytest.raises(CouldNotTell, match="which is not asked"):
        read(api)


def test_pages_that_go_round_come_to_an_end(api: LaunchplaneApi) -> None:
    api.next_page = "/v1/product-profiles?from=0"
    with pytest.raises(CouldNotTell, match="do not come to an end"):
        read(api)


def test_nobody_there() -> None:
    with pytest.raises(CouldNotTell, match="did not answer"):
        list(HttpSource("http://127.0.0.1:1", TOKEN, wait=0).profiles(()))


@pytest.mark.parametrize(
    ("place", "token"),
    [
        ("http://launchplane.example", TOKEN),
        ("https://alice:secret@launchplane.example", TOKEN),
        ("https://launchplane.example", ""),
        ("/nowhere/at/all", TOKEN),
    ],
)
def test_what_is_no_place(place: str, token: str) -> None:
    with pytest.raises(BadInput) as caught:
        source_of(place, token)
    assert "secret@" not in str(caught.value)


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "product-profiles").mkdir()
    for name in ("b", "a"):
        (tmp_path / "product-profiles" / f"{name}.json").write_text(f'{{"product": "{name}"}}')
    source = source_of(str(tmp_path), "")
    assert [json.loads(each)["product"] for each in source.profiles(())] == ["a", "b"]
    assert len(list(source.profiles(("b",)))) == 1
    assert list(source.gates()) == []
    with pytest.raises(BadInput, match="no product c"):
        list(source.profiles(("c",)))
    (tmp_path / "backup-gates" / "odd.json").mkdir(parents=True)
    with pytest.raises(CouldNotTell, match="could not be read"):
        list(source.gates())
