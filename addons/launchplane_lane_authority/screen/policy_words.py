"""What the signed policy permits, in sentences."""

from launchplane_lane_contracts.vocabulary import DataSource, Operation, RolloutState

from .dates import day, days_until


def rollout_sentence(env, effective, policy, now):
    """How far the lane has come on its way to real production."""
    if policy.rollout_state is RolloutState.PRODUCTION:
        return env._("Production: people rely on what is entered here.")
    if policy.rollout_state is RolloutState.TESTING:
        return env._("Testing: nothing entered here is meant to last.")
    if effective.expired:
        return env._(
            "Provisional until %s. That day has passed, so it is treated as production.",
            day(env, policy.provisional_until),
        )
    if effective.authoritative:
        return env._("Provisional: set up like production, before everybody relies on it.")
    left = days_until(policy.provisional_until, now)
    if left == 1:
        return env._(
            "Provisional: set up like production, before people rely on it. It becomes protected "
            "by itself within a day, on %(day)s.",
            day=day(env, policy.provisional_until),
        )
    return env._(
        "Provisional: set up like production, before people rely on it. It becomes protected by "
        "itself in %(days)s days, on %(day)s.",
        days=left,
        day=day(env, policy.provisional_until),
    )


def protection_sentences(env, effective, policy):
    """Why the data counts as the only true copy."""
    words = {
        "policy": env._("The policy recorded for this lane says so."),
        "marker": env._("The marker signed for this data says so."),
        "claim": env._("An administrator asked for it within Odoo."),
    }
    if effective.expired:
        words["expiry"] = env._(
            "Its provisional time ended on %s.", day(env, policy.provisional_until)
        )
    # The marker repeats what the policy says; once is enough for a reader.
    causes = [name for name in effective.protected_by if name in words]
    if "policy" in causes and "marker" in causes:
        causes.remove("marker")
    return [words[name] for name in causes]


def source_sentences(env, effective, policy):
    """Where data may come from when this lane is rebuilt."""
    upstream = policy.upstream_source
    words = {
        DataSource.EXISTING: env._("The data that is here stays, and only the software changes."),
        DataSource.EMPTY: env._("It may start again from an empty database."),
        DataSource.UPSTREAM_RESTORE: upstream
        and env._(
            "It may be filled from %(name)s (database %(database)s on the server %(host)s).",
            name=upstream.name,
            database=upstream.database,
            host=upstream.host,
        ),
        DataSource.BACKUP_RESTORE: env._("A proven backup of this same lane may be put back."),
        DataSource.KEPT: env._("What an earlier rebuild replaced here may be put back."),
    }
    allowed = [words[source] for source in effective.allowed_sources if words[source]]
    if effective.authoritative:
        allowed.append(
            env._("Neither an empty database nor data from another server may replace it.")
        )
    return allowed


def requirement_sentences(env, effective, policy):
    """What a rebuild that replaces the data needs first."""
    wanted = []
    if effective.requires_backup_before_destroy:
        hours = round(policy.backup_max_age.total_seconds() / 3600)
        wanted.append(env._("A backup of this data that is at most %s hours old.", hours))
    if effective.requires_restore_proof:
        wanted.append(env._("Proof that this backup can be restored and holds the same data."))
    if effective.requires_runtime_identity:
        wanted.append(env._("This Odoo confirming that it is the one that is about to change."))
    if effective.authoritative:
        wanted.append(env._("The signature of a second person, besides the one who asks."))
    return wanted or [env._("Nothing: this lane may be rebuilt at any time.")]


def arrival_sentence(env, marker):
    """Where the data that is here came from."""
    lineage = marker.lineage
    when = day(env, marker.stamped_at)
    if lineage.operation is None:
        return env._(
            "Not rebuilt since it was registered on %s. The data was here already.",
            when,
        )
    sources = {
        DataSource.EXISTING: env._("the data that was here stayed"),
        DataSource.EMPTY: env._("it started from an empty database"),
        DataSource.UPSTREAM_RESTORE: env._("the data came from the upstream source"),
        DataSource.BACKUP_RESTORE: env._("the data came from a backup of this lane"),
        DataSource.KEPT: env._("what an earlier rebuild had replaced was put back"),
    }
    operations = {
        Operation.BOOTSTRAP: env._("First set-up"),
        Operation.RECREATE: env._("Rebuilt"),
        Operation.RESTORE: env._("Restored"),
    }
    return env._(
        "%(operation)s on %(day)s: %(origin)s.",
        operation=operations[lineage.operation],
        day=when,
        origin=sources.get(lineage.data_source, env._("nobody wrote down where it came from")),
    )


def kept_sentence(env, marker, now):
    """What the last rebuild replaced, and until when it can be had back."""
    lineage = marker.lineage
    if lineage.set_aside is None:
        return env._("Nothing was replaced, so nothing is kept.")
    if lineage.kept_until is None:
        return env._(
            "What was here before is kept under the name %s. The operator can bring it back.",
            lineage.set_aside,
        )
    if now > lineage.kept_until:
        return env._(
            "What was here before was kept under the name %(name)s until %(day)s. It may have been "
            "removed since.",
            name=lineage.set_aside,
            day=day(env, lineage.kept_until),
        )
    return env._(
        "What was here before is kept under the name %(name)s, at least until %(day)s. Until then "
        "the operator can bring it back.",
        name=lineage.set_aside,
        day=day(env, lineage.kept_until),
    )
