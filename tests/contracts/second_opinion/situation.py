"""One situation of a lane: a variant of every fact. Several variants may be told by one word.

A variant is written `word` or `word: how it came to be so`; only the word stands in the tables.
"""

from .tables import Words

Situation = dict[str, str]
"""A variant for each fact."""

VARIANTS: dict[str, tuple[str, ...]] = {
    "request": (
        "bootstrap/empty",
        "recreate/existing",
        "recreate/empty",
        "recreate/upstream_restore",
        "restore/upstream_restore",
        "restore/backup_restore",
        "restore/kept",
    ),
    "policy": ("recorded", "none"),
    "lanes": (
        "one",
        "several: policy",
        "several: request",
        "several: readings",
        "several: record",
    ),
    "rollout state": ("production", "provisional", "testing"),
    "data": ("authoritative", "not authoritative"),
    "provisional": ("no end", "to come", "over", "over: this instant"),
    "from empty": ("allowed", "not allowed"),
    "from upstream": ("allowed", "not allowed"),
    "upstream on record": ("yes", "no"),
    "backup": ("asked", "not asked"),
    "restore proof": ("asked", "not asked"),
    "runtime identity": ("asked", "not asked"),
    "largest age": ("a day", "90 minutes"),
    "kept for": ("a day or more: a week", "a day or more: a day", "under a day"),
    "target on record": ("yes", "no"),
    "database": (
        "initialised",
        "absent",
        "uninitialised",
        "renamed",
        "missing",
        "closed",
        "unreadable",
        "disputed",
    ),
    "role": ("may rename", "may not rename"),
    "host's record": (
        "this database",
        "another database",
        "another cluster",
        "no database",
        "no database: nothing was ever recorded",
        "this one as kept",
    ),
    "oid": ("read", "not read"),
    "tag": (
        "none",
        "of another oid: ours",
        "of another oid: another lane's",
        "ours pending",
        "ours: live",
        "ours: kept",
        "another lane's: live",
        "another lane's: pending",
    ),
    "marker": (
        "bound",
        "not applicable",
        "absent",
        "unverifiable",
        "tampered",
        "foreign",
        "copied",
        "rolled back",
        "ahead",
        "pending",
        "tag lost",
    ),
    "marker says": ("not authoritative", "authoritative"),
    "claim": ("not made", "made"),
    "permit in the marker": (
        "the operation's",
        "another",
        "another: none in the marker",
        "another: none on either side",
    ),
    "another lane's own": ("no", "yes"),
    "files": (
        "ours",
        "absent",
        "empty",
        "foreign",
        "stale",
        "untagged",
        "elsewhere",
        "unreadable",
    ),
    "keep": ("ready", "not configured", "other volume", "unusable"),
    "room": ("enough", "not enough", "unknown"),
    "runtime": (
        "agrees",
        "attested",
        "silent",
        "other lane",
        "other deployment",
        "other database",
    ),
    "attesting": ("not asked for", "asked for"),
    "gate": (
        "of recorded data",
        "none",
        "of other data: lane",
        "of other data: generation",
        "of other data: cluster",
        "of other data: oid",
        "of other data: folder",
    ),
    "age of the gate": (
        "fresh",
        "fresh: to the second",
        "fresh: this instant",
        "fresh at the begin",
        "stale",
        "stale: from the future",
    ),
    "data proof": (
        "good",
        "none",
        "none: of another backup",
        "none: of another manifest",
        "none: from the future",
    ),
    "declared source": (
        "the recorded one",
        "none",
        "another: host",
        "another: database",
        "another: folder",
        "another: name",
        "another: lane",
    ),
    "place of the source": (
        "unknown",
        "the database itself",
        "elsewhere: another database",
        "elsewhere: another cluster",
    ),
    "backup to restore": ("on record", "another lane's", "unknown", "unknown: another id"),
    "load proof": (
        "good",
        "none",
        "none: of another backup",
        "none: of another manifest",
        "none: from the future",
    ),
    "kept data": (
        "on record",
        "unknown",
        "not the one named: another name",
        "not the one named: another lane",
    ),
    "kept data is": ("unchanged", "changed"),
    "kept data was": ("not authoritative", "authoritative"),
    "target": (
        "the recorded one",
        "the recorded one: domains in another order",
        "not told",
        "another: id",
        "another: name",
        "another: domains",
    ),
    "target read from": ("provider", "record", "typed"),
    "requester": (
        "signed",
        "signed: a second under a day ago",
        "not signed",
        "not signed: a day ago",
        "not signed: in the future",
    ),
    "approvers": (
        "one",
        "one: twice",
        "one: and one a day ago",
        "two",
        "none",
        "none: a day ago",
        "none: in the future",
    ),
    "approvers asked here": ("1", "0"),
    "under way": (
        "nothing",
        "authorized",
        "started",
        "begun",
        "materialised",
        "ended: settled",
        "ended: expired",
    ),
    "retries": ("nothing", "the one under way", "another"),
    "asked then": ("the same", "something else: operation", "something else: source"),
    "begin": ("on record", "not on record"),
    "found then": ("not authoritative", "authoritative"),
    "declared lost": ("no", "yes"),
    "store": ("trusted", "rolled back"),
    "clock": ("trusted", "unreliable"),
}
"""Every fact with its variants. The first one is that of a healthy lane."""

WORD = {
    fact: {variant: variant.partition(": ")[0] for variant in variants}
    for fact, variants in VARIANTS.items()
}
"""The word that tells each variant."""

HEALTHY: Situation = {
    **{fact: variants[0] for fact, variants in VARIANTS.items()},
    "request": "recreate/empty",
    "rollout state": "provisional",
    "data": "not authoritative",
    "provisional": "to come",
}
"""A provisional lane with data that may be rebuilt from anything; all is well."""

PRODUCTION: Situation = {
    **HEALTHY,
    "request": "restore/backup_restore",
    "rollout state": "production",
    "data": "authoritative",
    "provisional": "no end",
    "from empty": "not allowed",
    "from upstream": "not allowed",
    "marker says": "authoritative",
}
"""Real production with data; all is well."""

NOTHING_THERE: Situation = {
    **HEALTHY,
    "request": "bootstrap/empty",
    "database": "absent",
    "host's record": "no database: nothing was ever recorded",
    "oid": "not read",
    "marker": "not applicable",
    "files": "absent",
    "gate": "none",
    "data proof": "none",
    "requester": "not signed",
    "approvers": "none",
}
"""The first bootstrap of a provisional lane."""

BEGUN_AGAIN: Situation = {
    **HEALTHY,
    "under way": "started",
    "retries": "the one under way",
}
"""A rebuild was started, its begin is not on record, and it is done once more."""

REMAINS: Situation = {
    **HEALTHY,
    "under way": "begun",
    "retries": "the one under way",
    "host's record": "another database",
    "marker": "foreign",
    "marker says": "authoritative",
    "files": "untagged",
    "gate": "none",
    "data proof": "none",
    "requester": "not signed",
    "approvers": "none",
}
"""A rebuild that died half-way is done once more; what stands there is what it left."""

REMAINS_OF_PRODUCTION: Situation = {
    **REMAINS,
    **{
        fact: PRODUCTION[fact]
        for fact in ("request", "rollout state", "data", "provisional", "from empty")
    },
    "found then": "authoritative",
}
"""The same of a restore of production from a backup."""

CHANGE_UNDER_WAY: Situation = {
    **PRODUCTION,
    "request": "recreate/existing",
    "under way": "materialised",
    "retries": "the one under way",
    "marker": "pending",
    "age of the gate": "fresh at the begin",
}
"""A change that left production's data in place failed; it is rolled back as a retry of it."""

GIVEN_UP: Situation = {
    **PRODUCTION,
    "gate": "none",
    "data proof": "none",
    "declared lost": "yes",
}
"""Production's data was declared lost; a proven backup is to replace it."""

BASES: dict[str, Situation] = {
    "healthy": HEALTHY,
    "production": PRODUCTION,
    "nothing there": NOTHING_THERE,
    "begun again": BEGUN_AGAIN,
    "remains": REMAINS,
    "remains of production": REMAINS_OF_PRODUCTION,
    "change under way": CHANGE_UNDER_WAY,
    "given up": GIVEN_UP,
}
"""Situations that are allowed, each by other rules."""


def words_of(situation: Situation) -> Words:
    """The words that tell the situation."""
    return {fact: WORD[fact][variant] for fact, variant in situation.items()}
