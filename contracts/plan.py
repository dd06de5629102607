"""The dry run that people review, and the one digest that they sign."""

from .contract import (
    DatabaseNameField,
    Digest,
    FilestorePathField,
    Person,
    SystemIdentifierField,
    UtcInstant,
    VersionedContract,
)
from .decision import Decision, Obligations
from .marker import Generation, ObjectId
from .observation import Observation
from .policy import Policy, UpstreamSource
from .request import Request


class PlanTarget(VersionedContract):
    """What a signature under a plan covers. Readings that move by themselves are not in it."""

    request: Request
    """What is asked for."""
    present_generation: Generation | None
    """The generation that is there."""
    system_identifier: SystemIdentifierField | None
    """The cluster that is acted on."""
    database: DatabaseNameField
    """The database name that is acted on."""
    database_oid: ObjectId | None
    """What stands under it."""
    filestore_path: FilestorePathField
    """The folder that is acted on."""
    upstream_source: UpstreamSource | None
    """Where an upstream restore reads."""
    kept_database_oid: ObjectId | None
    """The kept database that comes back."""
    obligations: Obligations | None
    """What must be true afterwards."""
    rulebook_version: int
    """The version of the rule book that was asked."""


class Plan(VersionedContract):
    """Readings, decision and digest."""

    target: PlanTarget
    """What a signature covers."""
    policy: Policy | None
    """The policy that was in force."""
    policy_revision: int | None
    """The number of its revision."""
    observation: Observation
    """What was seen."""
    decision: Decision
    """What the rule book said."""
    size_bytes: int | None
    """The size of the database that would be set aside."""
    planned_at: UtcInstant
    """When (UTC)."""

    @property
    def signed_by(self) -> frozenset[Person]:
        """Everybody whose signature under the digest counted when it was decided."""
        signed = self.observation.approvals
        return frozenset(each.person for each in signed if each.counts_at(self.planned_at))

    @property
    def plan_digest(self) -> Digest:
        """What is reviewed and signed."""
        return self.target.digest()


def plan_target(
    request: Request,
    policy: Policy | None,
    observation: Observation,
    decision: Decision,
    *,
    database: DatabaseNameField,
) -> PlanTarget:
    """What the signatures under this plan cover."""
    kept = observation.incoming.kept
    upstream = policy.upstream_source if policy is not None else None
    return PlanTarget(
        request=request,
        present_generation=observation.record.generation,
        system_identifier=observation.database.system_identifier,
        database=database,
        database_oid=observation.database.oid,
        filestore_path=observation.filestore.path,
        upstream_source=upstream if request.data_source == "upstream_restore" else None,
        kept_database_oid=kept.database_oid if kept is not None else None,
        obligations=decision.obligations,
        rulebook_version=decision.rulebook_version,
    )
