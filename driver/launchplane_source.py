"""Where Launchplane's records are read: its HTTP API, or the folder of its file-backed state."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from launchplane_lane_contracts.errors import BadInput, CouldNotTell

PROFILES = "product-profiles"
GATES = "backup-gates"
TOKEN_VARIABLE = "LAUNCHPLANE_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT_SECONDS = 20.0
ATTEMPTS = 4
SECONDS_BEFORE_THE_SECOND_TRY = 0.5
MOST_PAGES = 1000
LARGEST_BYTES = 32_000_000
TRY_AGAIN = (429, 502, 503, 504)
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class LaunchplaneSource(Protocol):
    """What an import reads. Each record is the JSON as it was stored or sent."""

    def profiles(self, products: tuple[str, ...]) -> Iterator[bytes]:
        """The profiles of these products, or of all; BadInput for one that is not there."""

    def gates(self) -> Iterator[bytes]:
        """Every record that a backup was taken."""


def launchplane_source(place: str, token: str) -> LaunchplaneSource:
    """The source that an address or a folder names. Raises BadInput for what is neither."""
    if place.startswith(("http://", "https://")):
        return HttpSource(place, token)
    folder = Path(place)
    if not folder.is_dir():
        raise BadInput(f"{place} is neither an address that begins with https:// nor a folder.")
    return FolderSource(folder)


class FolderSource:
    """Launchplane's file-backed state: one JSON file for each record."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def profiles(self, products: tuple[str, ...]) -> Iterator[bytes]:
        """The profiles of these products, or of all."""
        names = {path.stem: path for path in sorted((self._folder / PROFILES).glob("*.json"))}
        for product in products or names:
            if product not in names:
                raise BadInput(f"{self._folder / PROFILES} has no product {product}.")
            yield _read(names[product])

    def gates(self) -> Iterator[bytes]:
        """Every record that a backup was taken."""
        for path in sorted((self._folder / GATES).glob("*.json")):
            yield _read(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise CouldNotTell(f"{path} could not be read: {problem.strerror}.") from None


class HttpSource:
    """Launchplane's HTTP API. Only reads are sent, so each may be sent again."""

    def __init__(
        self,
        address: str,
        token: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        wait: float = SECONDS_BEFORE_THE_SECOND_TRY,
    ) -> None:
        parts = urlsplit(address)
        if parts.username or parts.password:
            raise BadInput(f"No secret belongs in an address; the token goes in {TOKEN_VARIABLE}.")
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise BadInput("A token is only sent over https; name an address with https://.")
        if not token:
            raise BadInput(f"Launchplane asks for a token: put it into {TOKEN_VARIABLE}.")
        self._origin = (parts.scheme, parts.netloc)
        self._base = address.rstrip("/") + "/"
        self._timeout = timeout
        self._session = requests.Session()
        # Neither ~/.netrc nor a proxy's variable may replace the token or see it.
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.headers["Accept"] = "application/json"
        # What comes packed is not unpacked: it may be a thousand times as long.
        self._session.headers["Accept-Encoding"] = "identity"
        again = Retry(
            total=ATTEMPTS - 1,
            backoff_factor=wait,
            status_forcelist=TRY_AGAIN,
            allowed_methods=("GET",),
            respect_retry_after_header=False,
            raise_on_status=False,
            redirect=0,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=again))

    def profiles(self, products: tuple[str, ...]) -> Iterator[bytes]:
        """The profiles of these products, or of all."""
        if not products:
            yield from self._pages(f"v1/{PROFILES}")
        for product in products:
            answer = self._get(urljoin(self._base, f"v1/{PROFILES}/{quote(product, safe='')}"))
            if answer is None:
                raise BadInput(f"Launchplane knows no product {product}.")
            yield json.dumps(answer.plain).encode()

    def gates(self) -> Iterator[bytes]:
        """Every record that a backup was taken; none where Launchplane serves none."""
        yield from self._pages(f"v1/{GATES}")

    def _pages(self, path: str) -> Iterator[bytes]:
        """Every record of a list: plain, or in `items` with the address of the `next` page."""
        address: str | None = urljoin(self._base, path)
        seen: set[str] = set()
        while address is not None:
            if address in seen or len(seen) >= MOST_PAGES:
                raise CouldNotTell(f"Launchplane's pages of {path} do not come to an end.")
            seen.add(address)
            answer = self._get(address)
            if answer is None:
                return
            page = answer.plain
            items = page.get("items") if isinstance(page, dict) else page
            if not isinstance(items, list):
                raise CouldNotTell(f"Launchplane answered no list at {path}.")
            for each in items:
                yield json.dumps(each).encode()
            following = page.get("next") if isinstance(page, dict) else None
            following = following or answer.following
            address = urljoin(address, following) if isinstance(following, str) else None

    def _get(self, address: str) -> "_Answer | None":
        """The answer; None where there is nothing of that name."""
        parts = urlsplit(address)
        if (parts.scheme, parts.netloc) != self._origin:
            raise CouldNotTell(
                f"Launchplane's next page is on {parts.netloc}, which is not asked: the token is "
                "for Launchplane alone."
            )
        try:
            with self._session.get(
                address, timeout=self._timeout, allow_redirects=False, stream=True
            ) as answer:
                content: bytes = answer.raw.read(LARGEST_BYTES + 1, decode_content=False)
                following = answer.links.get("next", {}).get("url")
        except (requests.RequestException, HTTPError, OSError, ValueError) as problem:
            raise CouldNotTell(
                f"Launchplane did not answer at {address} ({type(problem).__name__}). Nothing was "
                "recorded; see whether it runs and run the same command again."
            ) from None
        if answer.status_code == 404:
            return None
        if answer.status_code in (401, 403):
            raise CouldNotTell(
                f"Launchplane did not take the token ({answer.status_code}). Put one that may read "
                f"into {TOKEN_VARIABLE}."
            )
        if answer.status_code != 200 or len(content) > LARGEST_BYTES:
            raise CouldNotTell(
                f"Launchplane answered {answer.status_code} at {address}, {len(content)} bytes. "
                "Nothing was recorded; look at its log and run the same command again."
            )
        try:
            return _Answer(json.loads(content), following)
        except (ValueError, RecursionError):
            raise CouldNotTell(f"Launchplane answered no JSON at {address}.") from None


class _Answer(NamedTuple):
    """What came back."""

    plain: Any
    following: str | None
    """The address of the next page, where a header names it."""
