"""A permit as the host signs it."""

from datetime import UTC, datetime, timedelta

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.decision import Obligations
from launchplane_lane_contracts.observation import (
    DatabaseObservation,
    FilestoreObservation,
    HostRecord,
    KeepObservation,
    MarkerObservation,
    Observation,
    RuntimeObservation,
)
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.request import Request
from launchplane_lane_contracts.vocabulary import (
    DatabaseState,
    DataSource,
    FilestoreState,
    KeepState,
    MarkerState,
    Operation,
    RuntimeState,
)

from .lane_case import CM, RESETTABLE


def permit(marker):
    """A permit to start the marker's lane again from an empty database."""
    now = datetime.now(UTC)
    return Permit(
        lane=CM,
        nonce=marker.nonce,
        database=marker.identity.database_name,
        filestore_path=marker.filestore_path,
        issued_at=now,
        begin_before=now + timedelta(minutes=15),
        rulebook_version=RULEBOOK_VERSION,
        permit_id="permit-1",
        plan_digest="0" * 64,
        request=Request(
            lane=CM,
            operation=Operation.RECREATE,
            data_source=DataSource.EMPTY,
            requester="ada",
        ),
        policy=RESETTABLE,
        policy_revision=1,
        generation=4,
        obligations=Obligations(
            new_generation=True,
            same_database=False,
            neutralise=True,
            lock=False,
            keep_for=timedelta(days=7),
            authoritative=False,
        ),
        kept_name="kept",
        observation=Observation(
            lane=CM,
            record=HostRecord(lane=CM),
            database=DatabaseObservation(state=DatabaseState.ABSENT),
            marker=MarkerObservation(state=MarkerState.NOT_APPLICABLE),
            filestore=FilestoreObservation(state=FilestoreState.ABSENT, path=marker.filestore_path),
            runtime=RuntimeObservation(state=RuntimeState.AGREES),
            keep=KeepObservation(state=KeepState.READY),
            taken_at=now,
        ),
    )
