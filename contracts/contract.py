"""The base of every record and token, and the scalar types they are made of."""

import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NewType, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

RULEBOOK_VERSION = 1
"""The version of `decide`, in every token and reply; a side that does not know it refuses."""


class Contract(BaseModel):
    """A value that both sides exchange: frozen, strict, closed to keys that it does not know."""

    # Docstrings are read where a schema is written: reading the source takes long at each start.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read one from JSON text.

        Raises pydantic.ValidationError where anything is missing, unknown or of another type.
        """
        return cls.model_validate_json(text)

    @classmethod
    def from_plain(cls, value: Any) -> Self:
        """Read one from what `json.loads` gives (strict about types, unlike `model_validate`)."""
        return cls.model_validate_json(json.dumps(value))

    def to_plain(self) -> dict[str, Any]:
        """The same as JSON-ready Python values."""
        plain: dict[str, Any] = self.model_dump(mode="json")
        return plain

    def canonical(self) -> bytes:
        """One sequence of bytes for one value: sorted keys, no spaces, UTF-8."""
        return json.dumps(
            self.to_plain(), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()

    def digest(self) -> "Digest":
        """SHA-256 of the canonical bytes, in hexadecimal."""
        return Digest(hashlib.sha256(self.canonical()).hexdigest())


class VersionedContract(Contract):
    """A contract that is stored or sent by itself, and so names the version of its own shape."""

    schema_version: Literal[1] = 1
    """The version of this shape."""


def _require_utc(value: datetime) -> datetime:
    if value.utcoffset() != timedelta(0):
        raise ValueError("an instant must be given in UTC")
    return value.astimezone(UTC)


_INSTANT: TypeAdapter[datetime] = TypeAdapter(datetime)


def _read_instant(value: Any) -> Any:
    """Accept text that is a date and a time; a bare number is no instant, whatever it counts."""
    if isinstance(value, str) and value[:4].isdecimal() and value[4:5] == "-" and value[10:]:
        # A strict field takes text only straight from JSON, and here it has passed through Python.
        with suppress(ValidationError):
            return _INSTANT.validate_python(value)
    return value


_ISO_DURATION: TypeAdapter[timedelta] = TypeAdapter(timedelta)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def _read_duration(value: Any) -> Any:
    """Accept `24h` or `7d` as well as what pydantic knows (ISO 8601, timedelta)."""
    if isinstance(value, str) and value[:-1].isdecimal() and value[-1:] in _UNITS:
        try:
            return int(value[:-1]) * _UNITS[value[-1]]
        except OverflowError:
            raise ValueError(f"{value} is longer than any duration can be") from None
    if isinstance(value, str) and value.removeprefix("-").startswith("P"):
        with suppress(ValidationError):
            return _ISO_DURATION.validate_python(value)
    return value


UtcInstant = Annotated[AwareDatetime, BeforeValidator(_read_instant), AfterValidator(_require_utc)]
"""A point in time, in UTC and nothing else."""

Duration = Annotated[timedelta, BeforeValidator(_read_duration)]
"""A length of time; written as `7d`, `24h`, `30m` or in ISO 8601."""


def later(instant: datetime, by: timedelta) -> datetime:
    """The instant that much later, or the end of the calendar where that is sooner."""
    end = instant.max.replace(tzinfo=instant.tzinfo)
    return end if end - instant < by else instant + by


Digest = NewType("Digest", str)
DatabaseName = NewType("DatabaseName", str)
PermitId = NewType("PermitId", str)
OperationId = NewType("OperationId", str)
BackupId = NewType("BackupId", str)
KeyId = NewType("KeyId", str)
Nonce = NewType("Nonce", str)
SystemIdentifier = NewType("SystemIdentifier", str)
FilestorePath = NewType("FilestorePath", str)
Person = NewType("Person", str)

DigestField = Annotated[Digest, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
DatabaseNameField = Annotated[DatabaseName, StringConstraints(min_length=1, max_length=63)]
IdField = StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{3,127}$")
PermitIdField = Annotated[PermitId, IdField]
OperationIdField = Annotated[OperationId, IdField]
BackupIdField = Annotated[BackupId, IdField]
NonceField = Annotated[Nonce, IdField]
SystemIdentifierField = Annotated[SystemIdentifier, StringConstraints(pattern=r"^[0-9]{1,20}$")]
FilestorePathField = Annotated[FilestorePath, StringConstraints(pattern=r"^/", max_length=4096)]
PersonField = Annotated[Person, StringConstraints(min_length=1, max_length=200)]
