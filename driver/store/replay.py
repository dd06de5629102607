"""What the ledger says that the tables hold, entry by entry, and where they say something else.

Policies, evidence and signatures have comparisons of their own.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.vocabulary import OperationPhase

from .lanes import kept_from
from .ledger import EntryKind, canonical_text
from .policies import document_problem
from .reading import read_text
from .schema import KeptRow, LaneRow, LedgerRow, OperationRow, ProposalRow

Facts = dict[str, Any]
What = tuple[str, ...]
"""The kind of a row, and its key."""

NEW_LANE: Mapping[str, Any] = {
    "next_generation": 1,
    "generation": None,
    "nonce": None,
    "identity": None,
    "filestore_path": None,
    "declared_lost": False,
    "retired": False,
}
"""What a lane's row says before anything of it is recorded."""
LIVE_DATA = ("generation", "nonce", "identity", "filestore_path")
AT_ONCE = 1000


@dataclass
class _Replay:
    """The rows as the entries so far make them."""

    rows: dict[What, Facts] = field(default_factory=dict)

    def take(self, entry: LedgerRow) -> None:
        said, lane = json.loads(entry.document), entry.lane or ""
        match EntryKind(entry.kind):
            case EntryKind.PROPOSED:
                self._proposed(said)
            case EntryKind.POLICY_RECORDED:
                self._applied(said["revision"]["change_digest"])
            case EntryKind.PEOPLE_RECORDED:
                self._applied(said["change_digest"])
            case EntryKind.CLOCK_CORRECTED:
                self._applied(said["digest"])
            case EntryKind.OPERATION_CLAIMED:
                self._claimed(lane, said)
            case EntryKind.OPERATION_ADVANCED:
                self._advanced(lane, said)
            case EntryKind.OPERATION_SETTLED:
                self._settled(lane, said)
            case EntryKind.GENERATION_HANDED_OUT:
                self._handed_out(lane, said["generation"])
            case EntryKind.DATA_RECORDED:
                self._applied(said.get("digest"))
                self._live(lane, said)
                for name in said.get("taken_along", ()):
                    on = said["identity"]["system_identifier"]
                    self.rows["kept data", lane, name]["system_identifier"] = on
                self._gone_back(lane, said["gone_back"])
            case EntryKind.DATA_LOST | EntryKind.LANE_RETIRED:
                self._lost(lane, said, retired=entry.kind == EntryKind.LANE_RETIRED)
            case EntryKind.KEPT_RELEASED:
                self._applied(said["digest"])
                self.rows["kept data", lane, said["name"]]["released"] = True
            case EntryKind.KEPT_GONE_BACK:
                self._gone_back(lane, [said["name"]])
            case EntryKind.RECONCILED:
                self._reconciled(said)
            case _:
                # It changes none of these rows.
                pass

    # -- proposals -----------------------------------------------------------------

    def _proposed(self, said: Facts) -> None:
        self.rows["proposal", said["digest"]] = {
            "document": canonical_text(said["document"]),
            "kind": said["kind"],
            "proposer": said["proposer"],
            "applied": False,
            **_instant_of("proposed_at", said),
        }

    def _applied(self, digest: str | None) -> None:
        proposed = self.rows.get(("proposal", digest or ""))
        if proposed is not None:
            proposed["applied"] = True

    # -- lanes ---------------------------------------------------------------------

    def _lane(self, name: str) -> Facts:
        return self.rows.setdefault(("lane", name), dict(NEW_LANE))

    def _handed_out(self, lane: str, generation: int) -> None:
        row = self._lane(lane)
        row["next_generation"] = max(row["next_generation"], generation + 1)

    def _live(self, lane: str, said: Facts) -> None:
        if said.get("generation") is None:
            return
        row = self._lane(lane)
        row.update({name: said[name] for name in LIVE_DATA}, declared_lost=False, retired=False)

    def _lost(self, lane: str, said: Facts, *, retired: bool) -> None:
        self._applied(said["digest"])
        self._handed_out(lane, said["generation"])
        row = self._lane(lane)
        # Where it stood stays.
        row.update(nonce=None, filestore_path=None, declared_lost=True, retired=retired)
        row["generation"] = said["generation"]
        self._kept(lane, said["kept"], None)

    def _reconciled(self, said: Facts) -> None:
        for name, facts in said.get("lanes", {}).items():
            self._lane(name).update(facts)
        for kept in said.get("kept", ()):
            lane = str(Lane.from_plain(kept["lane"]))
            self._kept(lane, kept, None)
            # Where it had been released, or had gone back, it stands kept again.
            self.rows["kept data", lane, kept["name"]].update(
                authoritative=True,
                kept_until=datetime.fromisoformat(kept["kept_until"]),
                gone_back=False,
                released=False,
                **{each: kept[each] for each in ("system_identifier",) if each in kept},
            )
        for operation_id in said.get("expired_operations", ()):
            self.rows["operation", operation_id]["phase"] = OperationPhase.EXPIRED.value

    # -- operations ----------------------------------------------------------------

    def _claimed(self, lane: str, said: Facts) -> None:
        self._handed_out(lane, said["generation"])
        self.rows["operation", said["operation_id"]] = {
            "lane": lane,
            "phase": OperationPhase.AUTHORIZED.value,
            "plan_digest": said["plan_digest"],
            "generation": said["generation"],
            "requester": said["request"]["requester"],
            "permit_id": None,
            "earlier_permits": [],
            "begun": False,
            "kept_name": None,
            **({"plan": said["plan_text"]} if "plan_text" in said else {}),
            **_instant_of("created_at", said),
        }

    def _advanced(self, lane: str, said: Facts) -> None:
        row, particulars = self.rows["operation", said["operation_id"]], said["particulars"]
        if "retries" in particulars:
            row["earlier_permits"] = [*row["earlier_permits"], row["permit_id"]]
            row["generation"] = particulars["generation"]
        row["phase"] = said["to"]
        if said["permit_id"] is not None:
            row["permit_id"] = said["permit_id"]
        names_it = not row["begun"]
        if said["to"] == OperationPhase.BEGUN and names_it:
            row["begun"] = True
            row.update(_instant_of("begun_at", said))
        self._set_aside(lane, said, "kept", names_it=names_it)

    def _settled(self, lane: str, said: Facts) -> None:
        row = self.rows["operation", said["operation_id"]]
        row["phase"] = said["to"]
        self._live(lane, said)
        self._set_aside(lane, said, "remains" if "remains" in said else "kept", names_it=True)
        for what, kept in self.rows.items():
            if (
                what[0] == "kept data"
                and kept["operation_id"] == said["operation_id"]
                and kept["kept_until"] is None
                and not kept["gone_back"]
            ):
                kept["kept_until"] = datetime.fromisoformat(said["kept_until"])

    # -- what was set aside --------------------------------------------------------

    def _set_aside(self, lane: str, said: Facts, name: str, *, names_it: bool) -> None:
        gone_back = said.get("gone_back") or []
        self._gone_back(lane, [gone_back] if isinstance(gone_back, str) else gone_back)
        kept, row = said.get(name), self.rows["operation", said["operation_id"]]
        self._kept(lane, kept, said["operation_id"])
        if kept is not None and row["kept_name"] is None and names_it:
            row["kept_name"] = kept["name"]

    def _kept(self, lane: str, kept: Facts | None, operation_id: str | None) -> None:
        if kept is None:
            return
        facts = {**kept, "operation_id": operation_id, "gone_back": False, "released": False}
        until = kept["kept_until"]
        facts["kept_until"] = datetime.fromisoformat(until) if until is not None else None
        # Noting the very same again changes nothing.
        self.rows.setdefault(("kept data", lane, kept["name"]), facts)

    def _gone_back(self, lane: str, names: Iterable[str]) -> None:
        for name in names:
            self.rows["kept data", lane, name]["gone_back"] = True


def difference_to_ledger(session: Session) -> str:
    """Where proposals, lanes, operations or kept data are not what the ledger says, or nothing.

    The chain is seen to be whole before.
    """
    replay = _Replay()
    entries = select(LedgerRow).order_by(LedgerRow.sequence)
    for entry in session.scalars(entries.execution_options(yield_per=AT_ONCE)):
        replay.take(entry)
    found = dict(_found(session))
    for what in sorted(replay.rows.keys() | found.keys()):
        problem = _problem(what, replay.rows.get(what), found.get(what))
        if problem:
            return problem
    return ""


def _problem(what: What, told: Facts | None, found: Facts | None) -> str:
    name = " ".join((*what[:1], *reversed(what[1:])))
    if found is None:
        return f"{name} is in the ledger and not in the store"
    if told is None and what[0] == "lane":
        told = dict(NEW_LANE)
    if told is None:
        return f"{name} is in the store and not in the ledger"
    if found.get("problem"):
        return f"{name}: {found['problem']}"
    for each, value in told.items():
        if found[each] != value:
            return f"{name} is not what the ledger says ({each.replace('_', ' ')})"
    return ""


def _found(session: Session) -> Iterator[tuple[What, Facts]]:
    for proposal in session.scalars(select(ProposalRow)):
        yield (
            ("proposal", proposal.digest),
            {
                **_columns(proposal, "document", "kind", "proposer", "proposed_at"),
                "applied": proposal.applied_at is not None,
                "problem": document_problem(proposal),
            },
        )
    for lane in session.scalars(select(LaneRow)):
        facts = _columns(lane, *NEW_LANE)
        if lane.identity is not None:
            facts["identity"] = json.loads(lane.identity)
        yield ("lane", lane.lane), facts
    names = ("lane", "phase", "plan_digest", "generation", "requester", "permit_id")
    for operation in session.scalars(select(OperationRow)):
        what = f"the plan of operation {operation.operation_id}"
        plan = read_text(Plan, operation.plan, what)
        yield (
            ("operation", operation.operation_id),
            {
                **_columns(operation, *names, "kept_name", "created_at", "begun_at"),
                "plan": plan.digest(),
                "earlier_permits": [
                    each["permit_id"] for each in json.loads(operation.earlier_permits)
                ],
                "begun": operation.begun_at is not None,
                "problem": (
                    ""
                    if plan.plan_digest == operation.plan_digest
                    else "its plan is another one than was signed"
                ),
            },
        )
    for kept in session.scalars(select(KeptRow)):
        yield (
            ("kept data", kept.lane, kept.name),
            {
                **kept_from(kept, Lane.parse(kept.lane)).to_plain(),
                "kept_until": kept.kept_until,
                "system_identifier": kept.system_identifier,
                "operation_id": kept.operation_id,
                "gone_back": kept.gone_back_at is not None,
                "released": kept.released_at is not None,
            },
        )


def _columns(row: object, *names: str) -> Facts:
    return {name: getattr(row, name) for name in names}


def _instant_of(name: str, said: Facts) -> Facts:
    """An instant that an entry tells; one that was written before it was told says nothing."""
    told = said.get(name)
    return {name: datetime.fromisoformat(told)} if told is not None else {}
