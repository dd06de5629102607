"""The ways on that reasons name, each as a step from one situation to the next, and the search.

A way does what its words say and nothing else: it changes only the facts that stand in it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from launchplane_lane_contracts.reasons import ReasonCode as Code

from .opinion import conclude
from .situation import Situation, words_of
from .tables import Words

Facts = dict[str, str]

LAWFULLY_REFUSED = frozenset({Code.SOURCE_NOT_ALLOWED.value, Code.POLICY_EXPIRED.value})
MOST_STEPS = 4000


def _always(known: Words) -> bool:
    del known
    return True


@dataclass(frozen=True)
class Way:
    """One way on."""

    name: str
    """What is done."""
    words: str
    """The words of docs/reasons.md that tell people to do it."""
    facts: Facts
    """What is so afterwards."""
    possible: Callable[[Words], bool] = field(default=_always)
    """Whether it can be done in a situation, told by its words."""
    waits: bool = False
    """Whether it is refused while an operation is under way, and while the store is not trusted."""


DATA_IN_PLACE: Facts = {
    "database": "initialised",
    "host's record": "this database",
    "oid": "read",
    "tag": "ours: live",
    "another lane's own": "no",
    "marker": "bound",
    "files": "ours",
}
"""The recorded data stands at its place."""

NOTHING_IN_PLACE: Facts = {
    "database": "absent",
    "oid": "not read",
    "tag": "none",
    "another lane's own": "no",
    "marker": "not applicable",
    "marker says": "not authoritative",
    "claim": "not made",
    "files": "absent",
}
"""Everything was set aside."""

NOTHING_UNDER_WAY: Facts = {"under way": "nothing", "retries": "nothing"}


def _database_stands(known: Words) -> bool:
    return known["database"] == "initialised"


def _can_be_captured(known: Words) -> bool:
    return (
        _database_stands(known)
        and known["marker"] == "bound"
        and known["files"] == "ours"
        and known["host's record"] == "this database"
    )


def _is_unfinished(known: Words) -> bool:
    return known["under way"] in ("started", "begun", "materialised")


def _recorded_data_stands(known: Words) -> bool:
    return _database_stands(known) and known["host's record"] == "this database"


BRING_BACK = Way("bring the data back", "bring the data back", DATA_IN_PLACE)
RIGHT_DATABASE = Way(
    "put the right database back", "under the name", {**DATA_IN_PLACE, "marker": "bound"}
)
DECLARE_LOST = Way(
    "declare lost",
    "declared lost",
    {**NOTHING_IN_PLACE, "declared lost": "yes"},
    waits=True,
)
ADOPT = Way(
    "adopt",
    "adopt",
    {**DATA_IN_PLACE, "marker says": "authoritative"},
    _database_stands,
    waits=True,
)
ENROL = Way(
    "enrol",
    "enrol the lane",
    DATA_IN_PLACE,
    lambda known: _database_stands(known) and known["host's record"] == "no database",
    waits=True,
)
MOVE_AWAY = Way("move the files away", "move them away", {"files": "absent"})
CAPTURE = Way(
    "capture a backup",
    "Capture",
    {"gate": "of recorded data", "age of the gate": "fresh", "data proof": "none"},
    _can_be_captured,
)
PROVE = Way(
    "prove the backup",
    "data proof",
    {"data proof": "good"},
    lambda known: known["gate"] == "of recorded data",
)
FINISH = Way("finish", "finish", {**NOTHING_UNDER_WAY, **DATA_IN_PLACE}, _is_unfinished)
UNDO = Way("undo", "undo", {**NOTHING_UNDER_WAY, **DATA_IN_PLACE}, _is_unfinished)
RETRY = Way(
    "retry", "retry", {"retries": "the one under way", "asked then": "the same"}, _is_unfinished
)
SETTLE = Way(
    "settle as it stands",
    "--as-it-stands",
    {**NOTHING_UNDER_WAY, **DATA_IN_PLACE},
    lambda known: _is_unfinished(known) and _recorded_data_stands(known),
)
NEWEST_STORE = Way(
    "put the newest store back", "newest store back", {"store": "trusted", "marker": "bound"}
)
RECONCILE = Way("reconcile", "reconcile", {"store": "trusted", "marker": "bound"})
PLAN_ANEW = Way("plan anew", "plan anew", {"retries": "nothing"})
ANOTHER_BACKUP = Way(
    "name a backup of the lane", "Name a backup", {"backup to restore": "on record"}
)

WAYS: dict[Code, tuple[Way, ...]] = {
    Code.POLICY_UNKNOWN: (Way("propose a policy", "Propose a policy", {"policy": "recorded"}),),
    Code.POLICY_OTHER_LANE: (
        Way("correct the configuration", "Correct the configuration", {"lanes": "one"}),
    ),
    Code.POLICY_EXPIRED: (
        Way("propose a later end", "later `provisional_until`", {"provisional": "to come"}),
        Way(
            "record it as production",
            "record it as production",
            {"rollout state": "production", "data": "authoritative", "provisional": "no end"},
        ),
    ),
    Code.SOURCE_NOT_ALLOWED: (
        Way(
            "propose a policy that allows it",
            "propose a policy that allows it",
            {
                "from empty": "allowed",
                "from upstream": "allowed",
                "upstream on record": "yes",
                "marker says": "not authoritative",
                "claim": "not made",
                "found then": "not authoritative",
            },
            # Data that the policy itself calls the only true copy is not rebuilt from elsewhere.
            lambda known: known["data"] == "not authoritative",
        ),
    ),
    Code.DATABASE_RENAMED: (Way("give the name back", "its name back", DATA_IN_PLACE),),
    Code.DATABASE_MISSING: (BRING_BACK, DECLARE_LOST),
    Code.DATABASE_CLOSED: (
        Way("reopen", "reopen", {"database": "initialised", "oid": "read"}),
        UNDO,
        FINISH,
    ),
    Code.DATABASE_UNREADABLE: (
        Way("make it readable", "Make it readable", {"database": "initialised", "oid": "read"}),
        DECLARE_LOST,
    ),
    Code.DATABASE_DISPUTED: (
        Way(
            "correct the one that is led astray",
            "Correct the one",
            {"database": "initialised", "oid": "read"},
        ),
    ),
    Code.DATABASE_NOT_THERE: (
        Way(
            "ask for a restore",
            "Ask for that operation instead",
            {"request": "restore/backup_restore", "backup to restore": "on record"},
        ),
    ),
    Code.ROLE_MAY_NOT_RENAME: (
        Way("give the role its rights", "Give the role", {"role": "may rename"}),
    ),
    Code.MARKER_ABSENT: (ENROL, ADOPT, RIGHT_DATABASE),
    Code.MARKER_UNVERIFIABLE: (
        Way("give the reader the keys", "public keys", {"marker": "bound"}),
    ),
    Code.MARKER_TAMPERED: (ADOPT, RIGHT_DATABASE),
    Code.MARKER_FOREIGN: (
        Way("put this lane's own database back", "this lane's own back", DATA_IN_PLACE),
    ),
    Code.MARKER_COPIED: (
        RIGHT_DATABASE,
        Way("record it as moved", "recorded as moved", DATA_IN_PLACE, waits=True),
        ADOPT,
    ),
    Code.MARKER_ROLLED_BACK: (RIGHT_DATABASE, ADOPT),
    Code.MARKER_AHEAD: (NEWEST_STORE, RECONCILE),
    Code.MARKER_PENDING: (UNDO, FINISH, RETRY, RIGHT_DATABASE, ADOPT),
    Code.ENGINE_TAG_LOST: (ADOPT,),
    Code.FILESTORE_FOREIGN: (Way("correct the path", "Correct the path", {"files": "ours"}),),
    Code.FILESTORE_STALE: (
        Way("put the right folder back", "Put the folder back", {"files": "ours"}),
        ADOPT,
    ),
    Code.FILESTORE_UNTAGGED: (ENROL, ADOPT, MOVE_AWAY),
    Code.FILESTORE_ELSEWHERE: (
        Way("correct the filestore path", "Correct the filestore path", {"files": "ours"}),
    ),
    Code.FILESTORE_MISSING: (
        Way("bring the folder back", "Bring the folder back", {"files": "ours"}),
        DECLARE_LOST,
    ),
    Code.FILESTORE_UNREADABLE: (
        Way("make the folder readable", "Make it readable", {"files": "ours"}),
    ),
    Code.KEEP_NOT_CONFIGURED: (Way("configure a keep", "persistent folder", {"keep": "ready"}),),
    Code.KEEP_OTHER_VOLUME: (
        Way("make room on the keep's volume", "Make room", {"room": "enough"}),
        Way("one volume for both", "one volume", {"keep": "ready"}),
    ),
    Code.KEEP_UNUSABLE: (Way("put the keep right", "Make the keep writable", {"keep": "ready"}),),
    Code.ROOM_NOT_ENOUGH: (
        Way("make room", "Make room", {"room": "enough"}),
        Way("release what is due", "release kept data that is due", {"room": "enough"}),
    ),
    Code.RUNTIME_SILENT: (
        Way("start Odoo", "Start it", {"runtime": "agrees"}),
        Way(
            "attest",
            "attesting asked for",
            {"runtime": "attested", "attesting": "asked for"},
        ),
    ),
    Code.RUNTIME_OTHER_LANE: (
        Way("correct address and guard command", "Correct them", {"runtime": "agrees"}),
    ),
    Code.RUNTIME_OTHER_DEPLOYMENT: (
        Way("finish the deployment", "Finish the deployment", {"runtime": "agrees"}),
    ),
    Code.RUNTIME_OTHER_DATABASE: (
        Way("correct the connection", "correct the connection", {"runtime": "agrees"}),
    ),
    Code.BACKUP_GATE_MISSING: (CAPTURE, DECLARE_LOST),
    Code.BACKUP_GATE_OTHER_DATA: (CAPTURE, ADOPT, DECLARE_LOST),
    Code.BACKUP_GATE_STALE: (CAPTURE, DECLARE_LOST),
    Code.DATA_PROOF_MISSING: (PROVE, DECLARE_LOST),
    Code.SOURCE_UNDECLARED: (
        Way(
            "declare the source",
            "Declare the recorded source",
            {"declared source": "the recorded one"},
        ),
    ),
    Code.SOURCE_DISAGREES: (
        Way(
            "correct the declaration",
            "Correct the declaration",
            {"declared source": "the recorded one"},
        ),
        Way(
            "propose the other source",
            "policy with the other source",
            {"declared source": "the recorded one"},
        ),
    ),
    Code.SOURCE_IS_THE_LANE_ITSELF: (
        Way(
            "correct the source",
            "Correct the source",
            {"place of the source": "elsewhere: another database"},
        ),
    ),
    Code.BACKUP_UNKNOWN: (ANOTHER_BACKUP,),
    Code.BACKUP_OTHER_LANE: (ANOTHER_BACKUP,),
    Code.LOAD_PROOF_MISSING: (Way("load Odoo on it", "registry loaded", {"load proof": "good"}),),
    Code.KEPT_UNKNOWN: (Way("name kept data", "Name one of those", {"kept data": "on record"}),),
    Code.KEPT_CHANGED: (
        Way("put the kept data back", "its name back", {"kept data is": "unchanged"}),
        Way(
            "restore a proven backup",
            "restore a proven backup",
            {
                "request": "restore/backup_restore",
                "backup to restore": "on record",
                "load proof": "good",
            },
        ),
    ),
    Code.PROVIDER_TARGET_UNKNOWN: (
        Way("name the target", "name the target", {"target": "the recorded one"}),
    ),
    Code.PROVIDER_TARGET_NOT_LIVE: (
        Way("ask the provider", "ask the provider", {"target read from": "provider"}),
    ),
    Code.PROVIDER_TARGET_DIFFERS: (
        Way("point to the lane's own target", "own target", {"target": "the recorded one"}),
    ),
    Code.APPROVALS_MISSING: (
        Way("the requester signs", "sign its digest", {"requester": "signed"}),
        Way("an approver signs", "sign its digest", {"approvers": "one"}),
    ),
    Code.LANE_BUSY: (
        Way("let it go on", "Let it go on", NOTHING_UNDER_WAY),
        Way("give it up", "give it up", NOTHING_UNDER_WAY),
        Way("wait until it lapses", "lapses", NOTHING_UNDER_WAY),
    ),
    Code.OPERATION_UNFINISHED: (RETRY, UNDO, FINISH, SETTLE),
    Code.RETRY_OTHER_OPERATION: (RETRY, PLAN_ANEW),
    Code.STORE_ROLLED_BACK: (NEWEST_STORE, RECONCILE),
    Code.CLOCK_UNRELIABLE: (
        Way("correct the clock", "Correct the clock", {"clock": "trusted"}),
        Way("correct the record", "lane-authority clock correct", {"clock": "trusted"}),
    ),
}
"""The ways on of every reason that the rule book gives, the first one first."""


@dataclass(frozen=True)
class Outcome:
    """Where a search ended."""

    steps: tuple[str, ...]
    """The ways that were gone."""
    situation: Situation
    """What is so then."""
    allowed: bool
    """Whether it is allowed; else it is refused by the owner's own rule."""


def as_it_can_be(situation: Situation) -> Situation:
    """The situation without a marker where no database was read; its tag may still be another's."""
    if situation["database"] == "initialised" or situation["marker"] == "foreign":
        return situation
    return {**situation, "marker": "not applicable"}


def search(
    start: Situation, *, impossible: frozenset[str] = frozenset(), shortest: bool = False
) -> Outcome | None:
    """Follow the ways on until the request is allowed or lawfully refused; None without an end.

    `impossible` names ways that this world does not have. Looks for any end, or for the shortest.
    """
    start = as_it_can_be(start)
    frontier: list[tuple[Situation, tuple[str, ...]]] = [(start, ())]
    seen = {_key(start)}
    while frontier and len(seen) < MOST_STEPS:
        situation, steps = frontier.pop(0 if shortest else -1)
        known, codes = conclude(words_of(situation))
        if not codes:
            return Outcome(steps, situation, allowed=True)
        if _is_lawfully_refused(known, codes):
            return Outcome(steps, situation, allowed=False)
        ways = _ways_from(known, codes, impossible)
        for way in ways if shortest else reversed(ways):
            after = {**situation, **way.facts}
            if _key(after) in seen:
                continue
            seen.add(_key(after))
            frontier.append((after, (*steps, way.name)))
    return None


def _ways_from(known: Words, codes: tuple[str, ...], impossible: frozenset[str]) -> list[Way]:
    """What can be done, in the order in which it is named."""
    named = [way for code in codes for way in WAYS[Code(code)]]
    named = [way for way in named if way.name not in impossible and way.possible(known)]
    if known["store"] != "trusted":
        # Only reconcile works then, and its own reason says so.
        named = [way for way in named if not way.waits]
    if known["under way"] == "nothing" or not any(way.waits for way in named):
        return named
    # Those are refused because of what is under way, and that refusal names ways of its own.
    unfinished = _is_unfinished(known)
    why = Code.OPERATION_UNFINISHED if unfinished else Code.LANE_BUSY
    return [way for way in named if not way.waits] + [
        way for way in WAYS[why] if way.name not in impossible and way.possible(known)
    ]


def _key(situation: Situation) -> tuple[str, ...]:
    return tuple(situation.values())


def _is_lawfully_refused(known: Words, codes: tuple[str, ...]) -> bool:
    """Whether all that is left is that authoritative data is not rebuilt from elsewhere."""
    return set(codes) <= LAWFULLY_REFUSED and known["data"] == "authoritative"
