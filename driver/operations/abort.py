"""`abort`: a begin is taken back as if it had never been, as long as nothing came."""

from launchplane_lane_contracts.contract import OperationId
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.vocabulary import UNFINISHED_PHASES, OperationPhase

from ..guard_client import carry_out
from ..lane_office import LaneOffice
from ..store.records import OperationRecord
from .steps import permit_of, wrong_phase
from .undo import undo


def abort(office: LaneOffice, operation_id: OperationId) -> OperationRecord:
    """Have the very same database and files put back; generation and marker stay.

    A claim that was not started is given up. Run again after a crash it goes on. Raises Refused,
    CouldNotTell or Busy.
    """
    operation = office.store.operation(operation_id)
    if operation.phase is not OperationPhase.AUTHORIZED:
        if operation.phase not in UNFINISHED_PHASES:
            raise Refused.because(wrong_phase(operation, "aborted"))
        permit = permit_of(office, operation)
        assert operation.permit_token is not None
        configuration = office.configuration(operation.lane)
        carry_out(configuration, "abort", operation.permit_token, permit.nonce)
    # The guard has put it back; an undo finds that, and only takes note of it.
    return undo(office, operation_id)
