"""The operation in progress, and every command that could end it: what it does, or why not now."""

from collections.abc import Set

from launchplane_lane_contracts.read_model import OperationView, WayOn
from launchplane_lane_contracts.reading import BeginRecord
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    OperationPhase,
    RowState,
    TagState,
)

from .lane_seen import LaneSeen
from .operations.start import PERMIT_VALID_FOR
from .store.overview import OperationSummary

CLAIMED = frozenset({OperationPhase.AUTHORIZED})
GIVES_UP = "gives the lane up again; nothing of it was changed"
GOING_BACK = "the old data is on its way back already; undo it once more"
ALREADY_BACK = "the old data was put back already; undo ends it"
NEVER_LEFT = "the data was left where it was, so there is nothing to put back"
ALREADY_STAMPED = "the data that stands there was stamped already; finish or settle ends it"
ENDS = frozenset({"finish", "undo", "abort", "settle"})
_TOLD = frozenset({DatabaseState.ABSENT, DatabaseState.UNINITIALISED, DatabaseState.INITIALISED})
"""The states of a database of which it is known what it is."""
NOT_BEGUN = frozenset({OperationPhase.AUTHORIZED, OperationPhase.STARTED})


def unfinished(seen: LaneSeen) -> OperationView | None:
    """The operation that holds the lane; those commands come first that can be given now."""
    live = seen.overview.live
    if live is None:
        return None
    ways: tuple[WayOn, ...] = (
        _start(live, seen),
        _finish(live, seen),
        _undo(live, seen),
        _retry(live, seen),
        _abort(live, seen),
        _settle(live, seen),
    )
    if _went_back(live, seen):
        ways = tuple(_only(each, {"undo"}, ALREADY_BACK) for each in ways)
    elif any(each.going_back and not each.ended for each in _begins(seen)):
        ways = tuple(_only(each, ENDS, GOING_BACK) for each in ways)
    elif _is_stamped(live, seen):
        ways = tuple(_only(each, _ends_what_is_stamped(seen), ALREADY_STAMPED) for each in ways)
    return OperationView(
        operation_id=live.operation_id,
        operation=live.operation,
        data_source=live.data_source,
        phase=live.phase,
        since=live.updated_at,
        lapses_at=live.lapses_at,
        requester=live.requester,
        ways_on=tuple(sorted(ways, key=lambda way: not way.possible)),
    )


def _went_back(live: OperationSummary, seen: LaneSeen) -> bool:
    """Whether the recorded data was put back by a run that died before the host took note of it."""
    record = seen.overview.record
    if live.data_source is DataSource.EXISTING or record.identity is None:
        return False
    return seen.observation.database.identity == record.identity and any(
        each.set_aside for each in _begins(seen)
    )


def _is_stamped(live: OperationSummary, seen: LaneSeen) -> bool:
    """Whether what stands there was stamped by a run that died before the host took note of it."""
    record, database = seen.overview.record, seen.witnessed.reading.database
    row, unfinished = database.marker_row, record.unfinished
    if live.phase in CLAIMED or row is None or unfinished is None:
        return False
    tag = database.entry.tag if database.entry is not None else None
    tagged = tag is not None and tag.state is TagState.LIVE and tag.permit_id in unfinished.permits
    begun = _begins(seen)
    ended = bool(begun) and all(each.ended for each in begun)
    is_another_row = row.state is RowState.SETTLED and row.nonce != record.nonce
    return is_another_row and (ended or tagged)


def _ends_what_is_stamped(seen: LaneSeen) -> Set[str]:
    """The commands that end an operation whose data was stamped already."""
    set_aside = any(each.set_aside for each in _begins(seen))
    return {"finish", "settle"} if set_aside else {"finish", "settle", "undo"}


def _begins(seen: LaneSeen) -> tuple[BeginRecord, ...]:
    """What the lane's keep remembers of the permits that were signed for the operation."""
    unfinished = seen.overview.record.unfinished
    if unfinished is None:
        return ()
    begun = seen.witnessed.reading.keep.begun
    return tuple(each for each in begun if each.permit_id in unfinished.permits)


def _only(way: WayOn, names: Set[str], why: str) -> WayOn:
    """The same way, or why it is none any more, unless it is one of these commands."""
    if way.command.split()[1] in names:
        return way
    return way.model_copy(update={"possible": False, "words": why})


def _begun(live: OperationSummary, seen: LaneSeen) -> bool:
    """Whether data was set aside for it, be it for a begin before the newest one."""
    record = seen.overview.record.unfinished
    return live.phase not in NOT_BEGUN or (record is not None and record.begun_at is not None)


def _never_left(live: OperationSummary, seen: LaneSeen) -> bool:
    """Whether it was begun, here or in the lane, with data that stays where it is."""
    if live.data_source is not DataSource.EXISTING:
        return False
    return _begun(live, seen) or any(each.set_aside for each in _begins(seen))


def _way(live: OperationSummary, words: str, why_not: str, does: str) -> WayOn:
    return WayOn(
        command=f"lane-authority {words.format(live.operation_id)}",
        possible=not why_not,
        words=why_not or does,
    )


def _start(live: OperationSummary, seen: LaneSeen) -> WayOn:
    return _way(
        live,
        "start {}",
        _why_not_start(live, seen),
        "reads and decides once more, and has the old data set aside",
    )


def _why_not_start(live: OperationSummary, seen: LaneSeen) -> str:
    record = seen.overview.record.unfinished
    if live.phase not in NOT_BEGUN:
        return "it was begun already"
    if live.phase in CLAIMED or record is None:
        return ""
    begun = next((each for each in _begins(seen) if each.permit_id == record.permit_id), None)
    if begun is not None:
        return "its begin was ended in the lane already" if begun.ended else ""
    if live.updated_at + PERMIT_VALID_FOR <= seen.now:
        return "its permit has lapsed; retry signs another one"
    return ""


def _finish(live: OperationSummary, seen: LaneSeen) -> WayOn:
    can = live.phase not in NOT_BEGUN or _begun_in_the_lane(seen) or _is_stamped(live, seen)
    return _way(
        live,
        "finish {}",
        "" if can else "nothing was begun yet",
        "when the new data is there: has it checked, asks both witnesses, and settles",
    )


def _begun_in_the_lane(seen: LaneSeen) -> bool:
    """Whether the lane's keep has a begin of it on record that came to its end."""
    record = seen.overview.record.unfinished
    return record is not None and any(
        each.permit_id == record.permit_id and each.set_aside and not each.ended
        for each in _begins(seen)
    )


def _undo(live: OperationSummary, seen: LaneSeen) -> WayOn:
    why_not = NEVER_LEFT if _never_left(live, seen) else ""
    does = "puts the old data back under a new generation, and keeps what stands there"
    return _way(live, "undo {}", why_not, GIVES_UP if live.phase in CLAIMED else does)


def _retry(live: OperationSummary, seen: LaneSeen) -> WayOn:
    why_not = ""
    if live.phase in CLAIMED:
        why_not = "it was not started yet"
    elif live.data_source is DataSource.KEPT and (_begun(live, seen) or _begun_in_the_lane(seen)):
        why_not = "the kept data stands under the name already"
    elif _begun(live, seen) and seen.observation.database.state not in _TOLD:
        database = seen.observation.database
        why_not = (
            "nobody can tell that only what the first run left stands there: the database is "
            f"{database.state} ({database.detail})"
        )
    return _way(
        live,
        "retry {}",
        why_not,
        "does the same once more, and keeps what the first run left; undo stays possible",
    )


def _abort(live: OperationSummary, seen: LaneSeen) -> WayOn:
    record, database = seen.overview.record.unfinished, seen.observation.database
    why_not = ""
    if live.phase in CLAIMED:
        return _way(live, "abort {}", "", GIVES_UP)
    if record is not None and record.earlier_permits and _begun(live, seen):
        why_not = "it was begun once before; undo puts the old data back"
    elif not _begun(live, seen) and not _begun_in_the_lane(seen):
        why_not = "nothing was set aside yet, so there is nothing to take back; undo gives it up"
    elif _never_left(live, seen):
        why_not = NEVER_LEFT
    elif database.state is not DatabaseState.ABSENT:
        why_not = f"not only the old data is there: the database is {database.state}"
    return _way(
        live,
        "abort {}",
        why_not,
        "puts the very same data back as if nothing had begun; generation and marker stay",
    )


def _settle(live: OperationSummary, seen: LaneSeen) -> WayOn:
    recorded, database = seen.overview.record.identity, seen.observation.database
    why_not = ""
    if live.phase in CLAIMED:
        why_not = "it was not started yet"
    elif recorded is None:
        why_not = "no data of this lane was recorded before it"
    elif database.state is DatabaseState.UNREADABLE:
        why_not = f"the database was not read: {database.detail}"
    elif database.identity != recorded:
        why_not = "what stands under the name is not the data that was recorded"
    return _way(
        live,
        "settle {} --as-it-stands",
        why_not,
        "ends it with the data that never left its name; generation and data stay",
    )
