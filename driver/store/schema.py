"""The store's tables, as the program sees them. `driver/migrations` makes them."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, Text, false, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from launchplane_lane_contracts.vocabulary import LIVE_PHASES

from .columns import UtcColumn

SCHEMA_REVISION = "0010"
"""The migration that this program needs."""

ONE_LIVE_OPERATION = "one_live_operation_per_lane"

_IS_LIVE = text("phase IN (" + ", ".join(f"'{phase}'" for phase in sorted(LIVE_PHASES)) + ")")


class Base(DeclarativeBase):
    """What the tables have in common. Lanes are written product/context/instance."""

    type_annotation_map: ClassVar = {str: Text, datetime: UtcColumn}


class PolicyRow(Base):
    """One revision of one lane's policy; triggers refuse to change or delete it."""

    __tablename__ = "policy_revisions"

    lane: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    recorded_at: Mapped[datetime]
    change_digest: Mapped[str]
    document: Mapped[str]


class ProposalRow(Base):
    """Something that people are asked to sign; triggers refuse any change but that it applies."""

    __tablename__ = "proposals"

    digest: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    document: Mapped[str]
    proposer: Mapped[str]
    proposed_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]


class ApprovalRow(Base):
    """One signature. Triggers refuse any change but the one that uses it, once."""

    __tablename__ = "approvals"
    __table_args__ = (Index("one_approval_per_person", "digest", "person", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str]
    person: Mapped[str]
    key_fingerprint: Mapped[str]
    signature: Mapped[str]
    signed_at: Mapped[datetime]
    used_by: Mapped[str | None]


class LaneRow(Base):
    """What was last recorded of a lane, and the counter of its generations, which only grows."""

    __tablename__ = "lanes"

    lane: Mapped[str] = mapped_column(primary_key=True)
    next_generation: Mapped[int]
    generation: Mapped[int | None]
    nonce: Mapped[str | None]
    identity: Mapped[str | None]
    filestore_path: Mapped[str | None]
    declared_lost: Mapped[bool] = mapped_column(default=False, server_default=false())
    retired: Mapped[bool] = mapped_column(default=False, server_default=false())


class OperationRow(Base):
    """One rebuild. An index lets only one per lane be live; triggers keep what was claimed."""

    __tablename__ = "operations"
    __table_args__ = (
        Index(
            ONE_LIVE_OPERATION,
            "lane",
            unique=True,
            sqlite_where=_IS_LIVE,
            postgresql_where=_IS_LIVE,
        ),
        Index("permit_of_one_operation", "permit_id", unique=True),
    )

    operation_id: Mapped[str] = mapped_column(primary_key=True)
    lane: Mapped[str]
    phase: Mapped[str]
    plan: Mapped[str]
    plan_digest: Mapped[str]
    generation: Mapped[int]
    permit_id: Mapped[str | None]
    permit_token: Mapped[str | None]
    kept_name: Mapped[str | None]
    requester: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    begun_at: Mapped[datetime | None]
    earlier_permits: Mapped[str] = mapped_column(default="[]", server_default="[]")


class KeptRow(Base):
    """Data that was set aside. Triggers keep what it is, and until when while it is kept."""

    __tablename__ = "kept_data"

    lane: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    operation_id: Mapped[str | None] = mapped_column(ForeignKey("operations.operation_id"))
    database_oid: Mapped[int] = mapped_column(BigInteger)
    system_identifier: Mapped[str | None]
    """The cluster that it is on; None where that was not recorded."""
    generation: Mapped[int]
    nonce: Mapped[str | None]
    permit_id: Mapped[str]
    set_aside_at: Mapped[datetime]
    kept_until: Mapped[datetime | None]
    authoritative: Mapped[bool]
    has_filestore: Mapped[bool]
    gone_back_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]


_IS_GATE = text("kind = 'gate'")


class EvidenceRow(Base):
    """A gate, a proof or a declared source; triggers refuse to change or delete it."""

    __tablename__ = "evidence"
    __table_args__ = (
        Index(
            "one_gate_per_backup",
            "backup_id",
            unique=True,
            sqlite_where=_IS_GATE,
            postgresql_where=_IS_GATE,
        ),
        Index("evidence_of_a_lane", "lane", "kind", "number"),
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    lane: Mapped[str]
    kind: Mapped[str]
    backup_id: Mapped[str | None]
    document: Mapped[str]
    recorded_at: Mapped[datetime]


class DrillClaimRow(Base):
    """A lane that a drill is at."""

    __tablename__ = "drill_claims"

    lane: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    claimed_until: Mapped[datetime]


CORRECTS_THE_CLOCK = text("kind = 'clock_corrected'")
"""As a literal, so that the index of just these entries is used."""


class LedgerRow(Base):
    """One entry of the ledger; triggers refuse to change or delete it."""

    __tablename__ = "ledger"
    __table_args__ = (
        Index("time_of_entries", "at", "sequence"),
        Index(
            "clock_corrections",
            "sequence",
            sqlite_where=CORRECTS_THE_CLOCK,
            postgresql_where=CORRECTS_THE_CLOCK,
        ),
    )

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    kind: Mapped[str]
    lane: Mapped[str | None]
    document: Mapped[str]
    previous: Mapped[str]
    digest: Mapped[str]
