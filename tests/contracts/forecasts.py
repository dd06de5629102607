"""A forecast with as much in it as it can hold."""

from datetime import timedelta

from launchplane_lane_contracts.contract import OperationId, Person
from launchplane_lane_contracts.forecast import (
    Forecast,
    ForecastBytes,
    ForecastPeople,
    Guarantee,
)
from launchplane_lane_contracts.snapshot_place import NewSince

from .cases import NOW, REQUESTER

NEW_SINCE = NewSince(wal_bytes=120_000, transactions=3)
FORECAST = Forecast(
    server="PostgreSQL 17.2, cluster 7380000000000000001, role odoo",
    reached_by=("docker", "exec", "-i", "cm-prod", "lane-authority-guard"),
    to_keep=ForecastBytes(count=12_000_000, detail="the database; its files besides"),
    to_copy=ForecastBytes(count=0, detail="all of it is renamed"),
    to_come=ForecastBytes(count=None, detail="nobody here can read the source"),
    kept_until=NOW + timedelta(days=7),
    last_operation=OperationId("operation-8"),
    last_took=timedelta(minutes=12),
    people=ForecastPeople(
        approvers_required=1,
        requester_signs=True,
        could_approve=(Person("ann"), Person("ben")),
        signed=(REQUESTER,),
    ),
    new_since=NEW_SINCE,
    guarantees=(Guarantee(words="Nothing is dropped.", holds=True, detail="it is renamed"),),
)
FORECAST_VALUES = (
    FORECAST,
    FORECAST.to_keep,
    FORECAST.people,
    *FORECAST.guarantees,
    NEW_SINCE,
)
