"""Asking the lane's running Odoo what it sees. Every failure is a value."""

import threading
from datetime import UTC, datetime, timedelta

import requests
import urllib3
from pydantic import ValidationError

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.orders import RUNTIME_AUDIENCE, WitnessOrder
from launchplane_lane_contracts.reading import RuntimeReading, RuntimeWitness

from .keys import SigningKey
from .lane_configuration import LaneConfiguration

PATH = "/launchplane/lane-authority"
LARGEST_ANSWER_BYTES = 100_000
TOKEN_VALID_FOR = timedelta(minutes=2)
SECONDS_TO_GIVE_UP = 1.0


def ask_runtime(
    configuration: LaneConfiguration,
    key: SigningKey,
    *,
    expected_generation: int | None,
    attested_by: str | None = None,
) -> RuntimeWitness:
    """One question over HTTP. Never raises.

    `attested_by` names who ordered that the guard may attest when the runtime is down.
    """

    def silent(problem: str) -> RuntimeWitness:
        return RuntimeWitness(problem=problem, attested_by=attested_by)

    if configuration.runtime_url is None:
        return silent("no runtime_url is configured")
    now = datetime.now(UTC)
    token = key.sign(
        WitnessOrder(lane=configuration.lane, expected_generation=expected_generation),
        audience=RUNTIME_AUDIENCE,
        issued_at=now,
        expires_at=now + TOKEN_VALID_FOR,
    )
    answer = _get_in_time(
        configuration.runtime_url.rstrip("/") + PATH, token, configuration.runtime_timeout
    )
    if isinstance(answer, str):
        return silent(f"{configuration.runtime_url} {answer}")
    content = answer
    if len(content) > LARGEST_ANSWER_BYTES:
        return silent(f"{configuration.runtime_url} answered with too much")
    try:
        reading = RuntimeReading.from_json(content)
    except ValidationError:
        return silent(f"{configuration.runtime_url} answered with something else")
    if reading.rulebook_version != RULEBOOK_VERSION:
        return silent(
            f"the addon runs rule book {reading.rulebook_version}, this host {RULEBOOK_VERSION}"
        )
    return RuntimeWitness(reading=reading)


def _get_in_time(url: str, token: str, seconds: float) -> bytes | str:
    """The content, or in words why there is none.

    The whole question ends in time: a socket's own timeout bounds each piece of an answer, and a
    runtime that sends a byte now and then would never meet it.
    """
    found: list[bytes | str] = []
    asking = threading.Thread(target=lambda: found.append(_get(url, token, seconds)), daemon=True)
    asking.start()
    asking.join(seconds + SECONDS_TO_GIVE_UP)
    return found[0] if found else f"did not answer within {seconds:g} seconds"


def _get(url: str, token: str, seconds: float) -> bytes | str:
    session = requests.Session()
    # Neither proxies nor credentials of the host's environment belong to this question.
    session.trust_env = False
    try:
        with session.get(
            url,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/json",
                # What comes packed is not unpacked: it may be a thousand times as long.
                "Accept-Encoding": "identity",
            },
            timeout=seconds,
            allow_redirects=False,
            stream=True,
        ) as answer:
            if answer.status_code != requests.codes.ok:
                return f"answered {answer.status_code}"
            content: bytes = answer.raw.read(LARGEST_ANSWER_BYTES + 1, decode_content=False)
            return content
    except (
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
        ValueError,
    ) as problem:
        return f"did not answer ({type(problem).__name__})"
