"""Whether a permit agrees with itself: one that does not was put together wrongly, and is refused.

A good signature says who signed. It does not say that the reviewed plan, the readings and what is
to be done are of one lane and of one decision.
"""

from collections.abc import Iterator

from .contract import PermitId
from .naming import kept_name
from .orders import Permit
from .plan import plan_target
from .rulebook import decide
from .vocabulary import DataSource


def permit_disagreements(permit: Permit) -> Iterator[str]:
    """What in a permit contradicts the rest of it, in words."""
    request, seen = permit.request, permit.observation
    lanes = {permit.lane, request.lane, permit.policy.lane, seen.lane, seen.record.lane}
    if len({str(lane) for lane in lanes}) > 1:
        yield f"it is for lane {permit.lane} and speaks of others as well"
    if seen.filestore.path != permit.filestore_path:
        yield f"the files in {seen.filestore.path} were looked at, not {permit.filestore_path}"
    identity = seen.database.identity
    if identity is not None and identity.database_name != permit.database:
        yield f"database {identity.database_name} was looked at, not {permit.database}"
    recorded = seen.record.generation
    if recorded is not None:
        stays = request.data_source is DataSource.EXISTING
        if permit.generation != recorded if stays else permit.generation <= recorded:
            yield f"generation {permit.generation} does not follow on generation {recorded}"
    if permit.retries_permits != _permits_before(permit):
        yield "it does not take the place of every permit of the operation that it retries"
    name = kept_name(permit.database, permit.generation, request.operation, permit.permit_id)
    if permit.kept_name != name:
        yield f"what is set aside would be called {permit.kept_name}, not {name}"
    decision = decide(permit.policy, request, seen, permit.issued_at)
    if decision.obligations != permit.obligations:
        yield "its obligations are not those of its policy"
    target = plan_target(request, permit.policy, seen, decision, database=permit.database)
    if target.digest() != permit.plan_digest:
        yield "the plan that was reviewed is another one"


def _permits_before(permit: Permit) -> tuple[PermitId, ...]:
    """Every permit that was signed for the operation that the request retries."""
    unfinished = permit.observation.record.unfinished
    if permit.request.retries is None or unfinished is None:
        return ()
    signed = (*unfinished.earlier_permits, unfinished.permit_id)
    return tuple(each for each in signed if each is not None)
