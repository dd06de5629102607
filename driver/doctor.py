"""`doctor`: tries every part, of the host and of its lanes, and says for each what to do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.lane import Lane

from .doctor_host import HostParts, examine_host
from .doctor_lane import ask_lane, examine_lane
from .examination import Examination, Finding
from .host_directory import HostDirectory
from .lane_configuration import LaneConfiguration
from .lane_office import utc_now

LANES_AT_ONCE = 8


def examine(host: HostDirectory, lane: Lane | None = None) -> Examination:
    """The host, and one lane or every lane that is configured. Nothing is changed.

    Raises BadInput for a lane that the configuration, where it can be read, does not name.
    """
    now, parts = utc_now(), HostParts()
    findings = list(examine_host(host, parts, now))
    if lane is not None and parts.lanes and lane not in parts.lanes:
        raise BadInput(
            f"Lane {lane} is not configured in {host.configuration_file}. Name one of those that "
            "are, or add it."
        )
    chosen = [
        parts.lanes[each] for each in sorted(parts.lanes, key=str) if lane is None or each == lane
    ]

    def of(configuration: LaneConfiguration) -> list[Finding]:
        return list(_of_lane(configuration, parts))

    with ThreadPoolExecutor(max_workers=LANES_AT_ONCE) as pool:
        for found in pool.map(of, chosen):
            findings += found
    return Examination(examined_at=now, findings=tuple(findings))


def _of_lane(configuration: LaneConfiguration, parts: HostParts) -> Iterator[Finding]:
    for each in examine_lane(ask_lane(configuration, parts)):
        yield each.model_copy(update={"lane": configuration.lane})
