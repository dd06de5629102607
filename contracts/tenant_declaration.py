"""What a tenant's own repository declares of its lanes: which upstream source is meant."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import model_validator

from .contract import Contract
from .lane import Lane
from .lane_file import read_lanes
from .policy import Contradiction, Policy, PolicyContradicts, UpstreamSource
from .reasons import Reason, ReasonCode, reason
from .text_file import TextFormat


class TenantDeclaration(Contract):
    """What one lane's repository declares. The same file is baked into the lane's image."""

    schema_version: Literal[1]
    """The version of this shape; it has no default, so that nobody has to guess it later."""
    lane: Lane
    """The lane; written product/context/instance in the file."""
    upstream_source: UpstreamSource | None = None
    """The one source that the lane may be restored from; none where it is left out."""

    @model_validator(mode="after")
    def _is_not_its_own_source(self) -> Self:
        if self.upstream_source is not None and self.upstream_source.lane == self.lane:
            raise PolicyContradicts(
                (
                    Contradiction(
                        ("upstream_source", "lane"),
                        "upstream_source must not be the lane itself",
                        "another lane, or none",
                    ),
                )
            )
        return self


def read_declarations(content: bytes) -> tuple[TenantDeclaration, ...]:
    """The declarations in a TOML file's bytes: one lane at the top level, or a list `lanes`.

    Raises Mistakes with every mistake of every lane; nothing is taken from a file that has one.
    """
    return read_lanes(content, TextFormat.TOML, TenantDeclaration)


def declared_source(
    in_image: UpstreamSource | None,
    elsewhere: UpstreamSource | None,
    recorded: UpstreamSource | None,
) -> UpstreamSource | None:
    """The declaration that the rule book compares with the recorded source.

    Without one in the lane's image there is none. Where the tenant declared something elsewhere
    as well (read from its repository, carried by a permit), the one that disagrees counts.
    """
    if in_image is None or elsewhere is None or in_image != recorded:
        return in_image
    return elsewhere


def source_differences(one: UpstreamSource, other: UpstreamSource) -> str:
    """Every part in which two sources differ, as `host old.example and new.example`."""
    return ", ".join(
        f"{name} {getattr(one, name) or 'none'} and {getattr(other, name) or 'none'}"
        for name in UpstreamSource.model_fields
        if getattr(one, name) != getattr(other, name)
    )


def declaration_disagrees(
    declaration: TenantDeclaration, policy: Policy | None
) -> Iterator[Reason]:
    """Where a declaration and the recorded policy of its lane do not say the same."""
    lane, declared = declaration.lane, declaration.upstream_source
    if policy is None:
        yield reason(
            ReasonCode.POLICY_UNKNOWN,
            f"Nobody has recorded a policy for lane {lane}, so there is nothing to compare its "
            "declaration with.",
            "Propose a policy for the lane, or correct the lane's name in the declaration.",
            lane=lane,
        )
        return
    recorded = policy.upstream_source
    if declared is None and policy.restore_from_upstream_allowed:
        yield undeclared("")
    elif declared is not None and recorded is None:
        yield reason(
            ReasonCode.SOURCE_DISAGREES,
            f"The tenant declares the upstream source {declared.name} for lane {lane}, and the "
            "record names none.",
            "Take upstream_source out of the declaration, or propose a policy with this source.",
            lane=lane,
        )
    elif declared is not None and recorded is not None and declared != recorded:
        yield sources_disagree(recorded, declared)


def undeclared(why: str) -> Reason:
    """No upstream source is declared; `why` says what was found instead, where that is known."""
    return reason(
        ReasonCode.SOURCE_UNDECLARED,
        "The tenant's image does not declare an upstream source" + (f": {why}." if why else "."),
        "Declare it in the tenant repository and rebuild the image; it must be the recorded one. "
        "`lane-authority tenant check FILE` says whether a declaration is good.",
        detail=why or None,
    )


def sources_disagree(recorded: UpstreamSource, declared: UpstreamSource) -> Reason:
    """The record names one source and the tenant another."""
    return reason(
        ReasonCode.SOURCE_DISAGREES,
        f"The recorded upstream source is {recorded.name} ({recorded.host}/{recorded.database}), "
        f"the tenant declares {declared.name} ({declared.host}/{declared.database}). They differ "
        f"in: {source_differences(recorded, declared)}.",
        "Make the two agree: correct the tenant's declaration, or propose a policy with the "
        "other source.",
    )
