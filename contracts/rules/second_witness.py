"""What the lane's runtime says."""

from collections.abc import Iterator

from ..reasons import Reason, ReasonCode, reason
from ..vocabulary import RuntimeState
from .case import Case

_RUNTIME_REASONS = {
    RuntimeState.SILENT: (
        ReasonCode.RUNTIME_SILENT,
        "The lane's runtime did not say which lane and database it is",
        "Start the lane's Odoo with the addon and plan again; if it cannot start, ask for the "
        "same plan with the guard attesting for the runtime, which goes on the record.",
    ),
    RuntimeState.OTHER_LANE: (
        ReasonCode.RUNTIME_OTHER_LANE,
        "The runtime belongs to another lane",
        "Correct the lane's runtime address or guard command, then plan again.",
    ),
    RuntimeState.OTHER_DEPLOYMENT: (
        ReasonCode.RUNTIME_OTHER_DEPLOYMENT,
        "The runtime that answers is not the deployment that the guard runs in",
        "Finish the deployment that is under way, then plan again.",
    ),
    RuntimeState.OTHER_DATABASE: (
        ReasonCode.RUNTIME_OTHER_DATABASE,
        "The running Odoo is connected to another database than the one that would be rebuilt",
        "Restart the lane's Odoo, or correct the connection that is wrong; then plan again.",
    ),
}


def runtime_agrees(case: Case) -> Iterator[Reason]:
    """The runtime agrees, where it is asked, and never contradicts."""
    runtime = case.seen.runtime
    state = runtime.state
    if state is RuntimeState.ATTESTED and not case.request.attest_runtime:
        # Attesting must have been asked for, in the request that people sign.
        state = RuntimeState.SILENT
    if state not in _RUNTIME_REASONS:
        return
    # A contradiction counts even where the witness was not asked for.
    if state is RuntimeState.SILENT and not case.effective.requires_runtime_identity:
        return
    code, message, remedy = _RUNTIME_REASONS[state]
    yield reason(code, f"{message}: {runtime.detail}.", remedy, detail=runtime.detail)
