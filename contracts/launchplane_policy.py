"""Launchplane's record of a lane's data and our policy, each read as the other.

Nothing is inferred: neither from a lane's name nor from who is meant to see it. What Launchplane
cannot say comes from the operator's mapping, and what is missing there is named.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from .contract import Contract, VersionedContract
from .launchplane_record import (
    DataAuthority,
    LaneMapping,
    LaunchplaneDataPolicy,
    LaunchplaneLane,
    LaunchplaneRebuildSwitch,
    RebuildSource,
    SourceMode,
)
from .mistakes import Mistake, Mistakes, shown
from .policy import Policy, PolicyContradicts, ProviderTarget

DATA = "odoo_data_policy"
BOOTSTRAP = "odoo_stable_bootstrap"
REBUILD = "odoo_prelaunch_rebuild"
MAPPING = "mapping"

REPLACEABLE = frozenset({DataAuthority.RESETTABLE, DataAuthority.RESTORABLE})
"""Launchplane's words for data that may be replaced at all."""

PLACES = {
    "authoritative_data": f"{DATA}.data_authority",
    "requires_backup_before_destroy": f"{DATA}.requires_backup_before_destroy",
    "requires_restore_proof": f"{DATA}.requires_restore_proof",
    "requires_runtime_identity": f"{DATA}.requires_runtime_identity",
}
"""Where what we call so stands in Launchplane's record; all else comes from the mapping."""


class TranslatedPolicy(VersionedContract):
    """A policy that was read from Launchplane's record."""

    policy: Policy
    """The policy."""
    original: str
    """The record that it was read from, as canonical JSON."""


class LaunchplaneWriting(Contract):
    """A policy as Launchplane would record it, and what only our mapping can say."""

    record: LaunchplaneLane
    """What Launchplane can say. Its switches stay off: turning one on is a person's act there."""
    mapping: LaneMapping
    """The rest."""
    left_out: tuple[str, ...] = ()
    """What neither can say, in words; such a record cannot be read back as a policy."""


def translate(record: LaunchplaneLane, mapping: LaneMapping) -> TranslatedPolicy:
    """The policy that record and mapping together describe.

    Raises Mistakes with every contradiction and everything that is missing.
    """
    found = list(_mistakes(record, mapping))
    policy, more = _policy(record, mapping)
    told = {each.path for each in found}
    found += [each for each in more if each.path not in told]
    if found or policy is None:
        raise Mistakes(found, where=f"Launchplane's record of lane {record.lane}")
    return TranslatedPolicy(policy=policy, original=record.canonical().decode())


def _mistakes(record: LaunchplaneLane, mapping: LaneMapping) -> Iterator[Mistake]:
    if record.lane != mapping.lane:
        yield Mistake(
            path=f"{MAPPING}.lane",
            problem="it is another lane than the record's",
            found=str(mapping.lane),
            accepted=str(record.lane),
        )
    yield from _data_mistakes(record.odoo_data_policy)
    yield from _switch_mistakes(record)
    yield from _upstream_mistakes(record.odoo_data_policy, mapping)
    yield from _target_mistakes(record, mapping)


def _data_mistakes(data: LaunchplaneDataPolicy) -> Iterator[Mistake]:
    sources = data.allowed_rebuild_sources
    if data.data_authority is DataAuthority.UNKNOWN:
        yield Mistake(
            path=f"{DATA}.data_authority",
            problem="nobody has said what the data is worth, so there is no policy to read",
            found=DataAuthority.UNKNOWN,
            accepted="resettable, restorable or authoritative",
        )
    problems = (
        (len(set(sources)) < len(sources), "a source is listed twice", "each source once"),
        (
            data.data_authority not in REPLACEABLE and bool(sources),
            f"{data.data_authority} data may be rebuilt from none of them",
            "an empty list",
        ),
        (
            data.data_authority is DataAuthority.RESETTABLE and RebuildSource.EMPTY not in sources,
            "resettable data must list empty",
            "a list with empty, or another data_authority",
        ),
        (
            data.data_authority is DataAuthority.RESTORABLE
            and RebuildSource.UPSTREAM_RESTORE not in sources,
            "restorable data must list upstream_restore",
            "a list with upstream_restore, or another data_authority",
        ),
    )
    for holds, problem, accepted in problems:
        if holds:
            yield Mistake(
                path=f"{DATA}.allowed_rebuild_sources",
                problem=problem,
                found=shown(list(sources)),
                accepted=accepted,
            )
    if RebuildSource.UPSTREAM_RESTORE in sources and not data.upstream_source:
        yield Mistake(
            path=f"{DATA}.upstream_source",
            problem="upstream_restore is listed and no source is named",
            accepted="the source",
        )


def _switch_mistakes(record: LaunchplaneLane) -> Iterator[Mistake]:
    allowed = {SourceMode.EXISTING}
    if record.odoo_data_policy.data_authority in REPLACEABLE:
        allowed |= {SourceMode(each) for each in record.odoo_data_policy.allowed_rebuild_sources}
    for name, switch, modes in (
        (BOOTSTRAP, record.odoo_stable_bootstrap, {SourceMode.EMPTY}),
        (REBUILD, record.odoo_prelaunch_rebuild, set(SourceMode) - {SourceMode.UNSAID}),
    ):
        if switch.enabled and switch.data_source_mode not in modes & allowed:
            yield Mistake(
                path=f"{name}.data_source_mode",
                problem="it is switched on for a source that the lane may not be rebuilt from",
                found=shown(switch.data_source_mode),
                accepted=" or ".join((*sorted(modes & allowed), "enabled = false")),
            )


def _upstream_mistakes(data: LaunchplaneDataPolicy, mapping: LaneMapping) -> Iterator[Mistake]:
    text = data.upstream_source
    if text and mapping.upstream_source is None:
        yield Mistake(
            path=f"{MAPPING}.upstream_source",
            problem="it is missing; Launchplane names an upstream source in words alone",
            accepted="the source that is meant by them, in full",
        )
    if not text and mapping.upstream_source is not None:
        yield Mistake(
            path=f"{MAPPING}.upstream_source",
            problem="Launchplane names no upstream source",
            accepted="no upstream_source",
        )
    if (text or None) != mapping.upstream_text:
        yield Mistake(
            path=f"{MAPPING}.upstream_text",
            problem="it is not what Launchplane's upstream_source says now",
            found=shown(mapping.upstream_text),
            accepted=shown(text) if text else "no upstream_text",
        )


def _target_mistakes(record: LaunchplaneLane, mapping: LaneMapping) -> Iterator[Mistake]:
    targets = _targets(record)
    if len({(name, frozenset(domains)) for name, domains in targets.values()}) > 1:
        yield Mistake(
            path=f"{REBUILD}.expected_target_name",
            problem=f"it expects another target or other domains than {BOOTSTRAP}",
            found=_target_words(*targets[REBUILD]),
            accepted=_target_words(*targets[BOOTSTRAP]),
        )
    for block, (name, _domains) in targets.items():
        if not name:
            yield Mistake(
                path=f"{block}.expected_target_name",
                problem="it is missing, and domains are given",
                accepted="the provider's name of the target",
            )
    if targets and mapping.target_id is None:
        yield Mistake(
            path=f"{MAPPING}.target_id",
            problem="it is missing; Launchplane names the target only by name and domains",
            accepted="the provider's own identifier of the target",
        )
    if not targets and mapping.target_id is not None:
        yield Mistake(
            path=f"{MAPPING}.target_id",
            problem="Launchplane expects no target, so nothing says its name and domains",
            found=shown(mapping.target_id),
            accepted=f"no target_id, or an expected_target_name in {BOOTSTRAP}",
        )


def _targets(record: LaunchplaneLane) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What each block expects, where it expects anything."""
    return {
        name: (switch.expected_target_name, switch.expected_domains)
        for name, switch in (
            (BOOTSTRAP, record.odoo_stable_bootstrap),
            (REBUILD, record.odoo_prelaunch_rebuild),
        )
        if switch.expected_target_name or switch.expected_domains
    }


def _target_words(name: str, domains: tuple[str, ...]) -> str:
    return f"{name or 'no name'} with domains {', '.join(sorted(domains)) or 'none'}"


def _policy(record: LaunchplaneLane, mapping: LaneMapping) -> tuple[Policy | None, list[Mistake]]:
    """The policy, or why our own rules do not take it."""
    data = record.odoo_data_policy
    replaceable = data.data_authority in REPLACEABLE
    targets = [(name, domains) for name, domains in _targets(record).values() if name]
    values: dict[str, Any] = {
        "lane": record.lane,
        "rollout_state": mapping.rollout_state,
        "authoritative_data": not replaceable,
        "bootstrap_empty_allowed": replaceable
        and RebuildSource.EMPTY in data.allowed_rebuild_sources,
        # Without a source in full the mapping's mistake says all that there is to say.
        "restore_from_upstream_allowed": replaceable
        and mapping.upstream_source is not None
        and RebuildSource.UPSTREAM_RESTORE in data.allowed_rebuild_sources,
        "upstream_source": mapping.upstream_source,
        "requires_backup_before_destroy": data.requires_backup_before_destroy,
        "requires_restore_proof": data.requires_restore_proof,
        "requires_runtime_identity": data.requires_runtime_identity,
        "backup_max_age": mapping.backup_max_age,
        "replaced_kept_for": mapping.replaced_kept_for,
        "provisional_until": mapping.provisional_until,
    }
    if targets and mapping.target_id is not None:
        name, domains = targets[0]
        values["provider_target"] = ProviderTarget(
            target_id=mapping.target_id, name=name, domains=domains
        )
    try:
        return Policy(**{name: each for name, each in values.items() if each is not None}), []
    except ValidationError as problem:
        contradicts: PolicyContradicts = problem.errors()[0]["ctx"]["error"]
        return None, [
            Mistake(
                path=PLACES.get(each.fields[0], f"{MAPPING}.{each.fields[0]}"),
                problem=each.words,
                found=", ".join(f"{name} = {_said(values[name])}" for name in each.fields),
                accepted=each.accepted,
            )
            for each in contradicts.contradictions
        ]


def _said(value: Any) -> str:
    if value is None:
        return "not given"
    if isinstance(value, Contract):
        return shown(value.to_plain())
    return shown(value) if isinstance(value, bool) else str(value)


def write_as_launchplane(policy: Policy) -> LaunchplaneWriting:
    """The policy as Launchplane would record it, with the rest as our mapping."""
    sources = [
        source
        for source, allowed in (
            (RebuildSource.EMPTY, policy.bootstrap_empty_allowed),
            (RebuildSource.UPSTREAM_RESTORE, policy.restore_from_upstream_allowed),
        )
        if allowed
    ]
    if policy.authoritative_data:
        authority = DataAuthority.AUTHORITATIVE
    elif policy.bootstrap_empty_allowed:
        authority = DataAuthority.RESETTABLE
    elif policy.restore_from_upstream_allowed:
        authority = DataAuthority.RESTORABLE
    else:
        authority = DataAuthority.UNKNOWN
    source, target = policy.upstream_source, policy.provider_target
    switch = LaunchplaneRebuildSwitch(
        expected_target_name=target.name if target else "",
        expected_domains=target.domains if target else (),
    )
    return LaunchplaneWriting(
        record=LaunchplaneLane(
            lane=policy.lane,
            odoo_data_policy=LaunchplaneDataPolicy(
                data_authority=authority,
                allowed_rebuild_sources=tuple(sources),
                upstream_source=source.name if source else "",
                requires_backup_before_destroy=policy.requires_backup_before_destroy,
                requires_restore_proof=policy.requires_restore_proof,
                requires_runtime_identity=policy.requires_runtime_identity,
            ),
            odoo_stable_bootstrap=switch,
            odoo_prelaunch_rebuild=switch,
        ),
        mapping=LaneMapping(
            lane=policy.lane,
            rollout_state=policy.rollout_state,
            provisional_until=policy.provisional_until,
            backup_max_age=policy.backup_max_age,
            replaced_kept_for=policy.replaced_kept_for,
            upstream_text=source.name if source else None,
            upstream_source=source,
            target_id=target.target_id if target else None,
        ),
        left_out=(
            ("data that may be replaced, and from nothing at all; written as unknown",)
            if authority is DataAuthority.UNKNOWN
            else ()
        ),
    )
