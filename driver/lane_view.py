"""What an operator sees of each lane: what is on record, and what both witnesses say now."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from launchplane_lane_contracts.approval import Thresholds
from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.read_model import LaneView
from launchplane_lane_contracts.reading import RuntimeWitness

from . import lane_facts
from .batches import in_batches
from .evidence import USUAL_BACKUP_MAX_AGE, present_evidence
from .guard_client import unread
from .lane_choices import choices
from .lane_configuration import LaneConfiguration
from .lane_office import LaneOffice, utc_now
from .lane_seen import WAS_NOT_ASKED, LaneSeen
from .lane_warnings import warnings
from .store.overview import LaneOverview
from .ways_on import unfinished
from .witnesses import Witnessed, ask_witnesses, judge

LANES_AT_ONCE = 8
"""How many lanes are asked at the same time."""
LANES_IN_MEMORY = 200
"""How many lanes are read from the store in one go. No more than that are held at once."""


@dataclass(frozen=True)
class _HostNow:
    """What is the same for all lanes, and is asked once."""

    thresholds: Thresholds
    store_trusted: bool
    clock_problem: str


def lane_views(office: LaneOffice, *, look: bool = True) -> Iterator[LaneView]:
    """Every lane that is configured here, in the order of their names, one after another.

    Without `look` no lane is asked; then a view holds what is on record, and that is quick.
    Raises CouldNotTell when the store cannot be read; a lane that cannot be read says so.
    """
    configurations = office.host.lanes()
    lanes = sorted(configurations, key=str)
    host = _host_now(office, utc_now())
    for some in in_batches(lanes, LANES_IN_MEMORY):
        overviews = office.store.overviews(some)
        pairs = [
            (configurations[lane], overview) for lane, overview in zip(some, overviews, strict=True)
        ]
        if not look:
            yield from (_view(office, host, *each, look=False) for each in pairs)
            continue
        with ThreadPoolExecutor(max_workers=LANES_AT_ONCE) as pool:
            yield from pool.map(lambda each: _view(office, host, *each, look=True), pairs)


def lane_view(office: LaneOffice, lane: Lane, *, look: bool = True) -> LaneView:
    """One lane. Raises BadInput when it is not configured, CouldNotTell without a store."""
    configuration = office.configuration(lane)
    (overview,) = office.store.overviews((lane,))
    return _view(office, _host_now(office, utc_now()), configuration, overview, look=look)


def _host_now(office: LaneOffice, now: datetime) -> _HostNow:
    try:
        trusted, _detail = office.store.trusted(now)
    except LaneAuthorityError:
        # The head beside the key cannot be read, so nobody can tell.
        trusted = False
    return _HostNow(office.thresholds(), trusted, office.store.clock_problem(now))


def _view(
    office: LaneOffice,
    host: _HostNow,
    configuration: LaneConfiguration,
    overview: LaneOverview,
    *,
    look: bool,
) -> LaneView:
    witnessed = (
        ask_witnesses(configuration, overview.record, office.key)
        if look
        else Witnessed(
            unread(configuration, WAS_NOT_ASKED),
            RuntimeWitness(problem=WAS_NOT_ASKED),
            overview.record,
            utc_now(),
        )
    )
    observation = judge(
        witnessed,
        office.keys,
        present=present_evidence(
            overview.evidence,
            overview.record,
            longest_age=(
                overview.revision.policy.backup_max_age
                if overview.revision
                else USUAL_BACKUP_MAX_AGE
            ),
            now=witnessed.read_at,
        ),
        thresholds=host.thresholds,
        store_trusted=host.store_trusted,
        store_clock_problem=host.clock_problem,
        on_record_as=office.on_record_as(
            overview.record.lane,
            witnessed.reading.database.server,
            witnessed.reading.database.entry,
        ),
    )
    return view_of(LaneSeen(configuration, overview, witnessed, observation, utc_now()))


def view_of(seen: LaneSeen) -> LaneView:
    """The view of what was seen. It asks nobody."""
    return LaneView(
        lane=seen.overview.record.lane,
        viewed_at=seen.now,
        **lane_facts.policy_facts(seen),
        **lane_facts.place_facts(seen),
        evidence=lane_facts.evidence(seen),
        last_rebuild=lane_facts.last_rebuild(seen),
        kept=lane_facts.kept(seen),
        kept_files=lane_facts.kept_files(seen),
        unfinished=unfinished(seen),
        choices=choices(seen),
        warnings=warnings(seen),
    )
