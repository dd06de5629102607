"""What a plan comes to: bytes, time, people, and which guarantees hold. It changes nothing."""

from collections.abc import Iterator
from datetime import timedelta

from launchplane_lane_contracts.contract import Person, later
from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.forecast import (
    Forecast,
    ForecastBytes,
    ForecastPeople,
    Guarantee,
)
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.policy_words import duration_words
from launchplane_lane_contracts.reading import ServerReading
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    MarkerState,
    RuntimeState,
    ShadowState,
)

from .approvers_file import names_person
from .guard_client import show
from .lane_office import LaneOffice
from .new_since import since_backup
from .witnesses import Witnessed


def forecast(office: LaneOffice, plan: Plan, witnessed: Witnessed) -> Forecast:
    """All of it, for a plan that was made of these readings."""
    request, obligations = plan.target.request, plan.decision.obligations
    last = office.store.last_settled(request.lane, request.operation, request.data_source)
    replaced = obligations is not None and obligations.new_generation
    return Forecast(
        server=_server(witnessed.reading.database.server),
        reached_by=office.configuration(request.lane).guard_command,
        to_keep=_to_keep(plan),
        to_copy=_to_copy(plan, witnessed),
        to_come=_to_come(office, plan, witnessed),
        kept_until=(
            later(plan.planned_at, obligations.keep_for)
            if obligations is not None and replaced and not plan.observation.nothing_to_set_aside
            else None
        ),
        last_operation=last.operation_id if last is not None else None,
        last_took=(
            last.updated_at - last.begun_at
            if last is not None and last.begun_at is not None
            else None
        ),
        people=_people(office, plan),
        new_since=since_backup(plan.observation.incoming.backup, witnessed.reading.database.server),
        guarantees=tuple(_guarantees(plan, witnessed)),
    )


def _server(server: ServerReading | None) -> str:
    if server is None:
        return "unknown: it did not answer"
    major, minor = divmod(server.version, 10000)
    return f"PostgreSQL {major}.{minor}, cluster {server.system_identifier}, role {server.role}"


def _to_keep(plan: Plan) -> ForecastBytes:
    if plan.target.request.data_source is DataSource.EXISTING:
        return ForecastBytes(count=0, detail="the data stays where it is")
    if plan.observation.nothing_to_set_aside:
        return ForecastBytes(count=0, detail="nothing stands there")
    if plan.size_bytes is None:
        return ForecastBytes(count=None, detail="the size of the database could not be read")
    return ForecastBytes(count=plan.size_bytes, detail="the database; its files besides")


def _to_copy(plan: Plan, witnessed: Witnessed) -> ForecastBytes:
    copied = witnessed.reading.keep.copied_bytes
    if copied is None or plan.target.request.data_source is DataSource.EXISTING:
        return ForecastBytes(count=0, detail="database and files are renamed, whatever their size")
    return ForecastBytes(count=copied, detail="files, since the keep is on another volume")


def _to_come(office: LaneOffice, plan: Plan, witnessed: Witnessed) -> ForecastBytes:
    request = plan.target.request
    if request.data_source is DataSource.EXISTING:
        return ForecastBytes(count=0, detail="no data comes")
    if request.data_source is DataSource.KEPT:
        size = next(
            (
                each.size_bytes
                for each in witnessed.reading.database.neighbours
                if each.name == request.kept_database
            ),
            None,
        )
        if size is None:
            return ForecastBytes(count=None, detail="the kept database was not seen")
        return ForecastBytes(count=size, detail="the kept database, renamed; its files besides")
    if request.data_source is DataSource.UPSTREAM_RESTORE:
        return _from_upstream(office, plan)
    if request.data_source is DataSource.BACKUP_RESTORE:
        return ForecastBytes(count=None, detail="the size of the backup is not on record here")
    return ForecastBytes(count=None, detail="the devkit makes it, as large as its modules are")


def _from_upstream(office: LaneOffice, plan: Plan) -> ForecastBytes:
    source = plan.target.upstream_source
    if source is None or source.lane is None:
        return ForecastBytes(count=None, detail="nobody here can read the upstream source")
    try:
        configuration = office.configuration(source.lane)
    except LaneAuthorityError:
        return ForecastBytes(
            count=None, detail=f"the upstream source is lane {source.lane}, not configured here"
        )
    size = show(configuration).database.size_bytes
    if size is None:
        return ForecastBytes(
            count=None, detail=f"the upstream source, lane {source.lane}, did not answer"
        )
    return ForecastBytes(
        count=size, detail=f"the database of lane {source.lane}; its files besides"
    )


def _people(office: LaneOffice, plan: Plan) -> ForecastPeople:
    people, requester = office.people(), plan.target.request.requester
    names = {Person(line.split()[0]) for line in people.lines} if people is not None else set()
    could = sorted(
        name
        for name in names
        if people is not None and name != requester and names_person(people, name, plan.planned_at)
    )
    return ForecastPeople(
        approvers_required=plan.decision.approvers_required,
        requester_signs=plan.decision.requester_signs,
        could_approve=tuple(could),
        signed=tuple(sorted(plan.signed_by)),
    )


def _guarantees(plan: Plan, witnessed: Witnessed) -> Iterator[Guarantee]:
    seen, obligations = plan.observation, plan.decision.obligations
    existing = plan.target.request.data_source is DataSource.EXISTING
    if existing:
        yield Guarantee(
            words="Nothing is dropped or moved: at the end the very same database must be there.",
            holds=True,
        )
        yield Guarantee(
            words="What was there before can be put back by this tool.",
            holds=False,
            detail="the data stays and is changed in place; a change that fails is done once more",
        )
    else:
        yield Guarantee(
            words="Nothing is dropped: what stands there is renamed, closed and locked.",
            holds=True,
        )
        yield Guarantee(
            words="Until it is settled `undo` puts back what was there, and afterwards a "
            "restore/kept does, as long as it is kept.",
            holds=obligations is not None,
        )
    if seen.nothing_to_set_aside:
        yield Guarantee(words="Neither rows nor files stand at the lane's place.", holds=True)
    else:
        yield Guarantee(
            words="A signed marker says that the database is this lane's present data.",
            holds=seen.marker.state is MarkerState.BOUND,
            detail=f"the marker is {_word(seen.marker.state)}",
        )
        yield Guarantee(
            words="A tag says that the files are this lane's.",
            holds=seen.filestore.state in (FilestoreState.OURS, FilestoreState.EMPTY),
            detail=f"the files are {_word(seen.filestore.state)}",
        )
    yield Guarantee(
        words="The lane's running Odoo confirms that it is this database.",
        holds=seen.runtime.state is RuntimeState.AGREES,
        detail=f"the runtime {_word(seen.runtime.state)}",
    )
    if seen.database.state is DatabaseState.INITIALISED:
        yield Guarantee(
            words="PostgreSQL itself refuses to drop the database until then.",
            holds=seen.database.locked,
        )
        shadow = witnessed.reading.shadow
        yield Guarantee(
            words="The files have a shadow in the keep.",
            holds=shadow is not None and shadow.state is ShadowState.PRESENT,
        )
        yield _backup(plan)


def _backup(plan: Plan) -> Guarantee:
    words = "A backup of what stands there was restored and compared."
    gate, proof = plan.observation.present.gate, plan.observation.present.data_proof
    if gate is None:
        return Guarantee(words=words, holds=False, detail="no backup of it is on record")
    age = duration_words(
        timedelta(seconds=int(max(0.0, (plan.planned_at - gate.snapshot_at).total_seconds())))
    )
    return Guarantee(
        words=words,
        holds=proof is not None,
        detail=f"{gate.backup_id}, {age} old" + ("" if proof else ", nobody proved it"),
    )


def _word(state: str) -> str:
    return str(state).replace("_", " ")
