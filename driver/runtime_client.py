"""Asking the lane's running Odoo what it sees. Every failure is a value."""

from datetime import UTC, datetime, timedelta

import requests
from pydantic import ValidationError

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.orders import RUNTIME_AUDIENCE, WitnessOrder
from launchplane_lane_contracts.reading import RuntimeReading, RuntimeWitness

from .keys import SigningKey
from .lane_configuration import LaneConfiguration

PATH = "/launchplane/lane-authority"
LARGEST_ANSWER_BYTES = 100_000
TOKEN_VALID_FOR = timedelta(minutes=2)


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
    session = requests.Session()
    # Neither proxies nor credentials of the host's environment belong to this question.
    session.trust_env = False
    try:
        with session.get(
            configuration.runtime_url.rstrip("/") + PATH,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=configuration.runtime_timeout,
            allow_redirects=False,
            stream=True,
        ) as answer:
            if answer.status_code != requests.codes.ok:
                return silent(f"{configuration.runtime_url} answered {answer.status_code}")
            content = answer.raw.read(LARGEST_ANSWER_BYTES + 1, decode_content=True)
    except (requests.RequestException, OSError) as problem:
        return silent(f"{configuration.runtime_url} did not answer ({type(problem).__name__})")
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
