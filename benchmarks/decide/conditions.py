"""The rules as conditions over the facts, each of which refuses: what Cedar and Casbin are given.

Both write `&&`, `||`, `!`, `==`, and neither has names for parts of a condition, so the parts stand
below as texts that are put into one another.
"""

RETRIES = (
    '((unfinished_phase == "started" || unfinished_phase == "begun"'
    ' || unfinished_phase == "materialised") && retries == unfinished'
    " && operation == unfinished_operation && source == unfinished_source)"
)
REMAINS = (
    f'({RETRIES} && unfinished_phase != "started" && source != "existing"'
    ' && (record_system == "" || database_system == record_system)'
    ' && (database == "absent" || ((database == "initialised" || database == "uninitialised")'
    " && database_oid >= 0 && database_oid != record_oid && !database_is_kept"
    ' && (tag_state == "" || tag_oid != database_oid'
    ' || (tag_lane == seen_lane && tag_state == "pending"))'
    " && !marker_is_anothers_own)))"
)
AUTHORITATIVE = (
    "(policy_authoritative || (provisional_until >= 0 && now >= provisional_until)"
    f" || ({REMAINS} && unfinished_authoritative)"
    f" || (!{REMAINS} && (marker_authoritative || marker_claimed)))"
)
ACCEPTS_PENDING = (
    f'({RETRIES} && marker == "pending" && marker_permit != ""'
    " && marker_permit == unfinished_permit)"
)
NOTHING_THERE = (
    '((database == "absent" || database == "uninitialised") && marker == "not_applicable"'
    ' && (files == "absent" || files == "empty"))'
)
LEAVES_DATA = f"(!{REMAINS} && !{NOTHING_THERE})"
ASKS_FOR_BACKUP = f'({LEAVES_DATA} && !(declared_lost && source != "existing"))'
NEEDS_GATE = f"({ASKS_FOR_BACKUP} && (gate_required || {AUTHORITATIVE}))"
NEEDS_PROOF = f"({ASKS_FOR_BACKUP} && (proof_required || {AUTHORITATIVE}))"
OF_THIS_DATA = (
    '(gate != "" && record_system != "" && gate_lane == record_lane'
    " && gate_generation == record_generation && gate_system == record_system"
    " && gate_oid == record_oid && gate_files == record_files)"
)
FRESH = (
    "((gate_snapshot <= now && now - gate_snapshot <= backup_max_age)"
    f" || ({RETRIES} && unfinished_begun >= 0 && gate_snapshot <= unfinished_begun"
    " && unfinished_begun - gate_snapshot <= backup_max_age))"
)

REFUSED_WHEN = {
    "store and clock": "!store_trusted || !clock_trusted",
    "one lane": (
        "policy_lane != request_lane || request_lane != seen_lane || seen_lane != record_lane"
    ),
    "in progress": f'!{RETRIES} && (unfinished != "" || retries != "")',
    "empty": f'source == "empty" && (!empty_allowed || {AUTHORITATIVE})',
    "upstream": f'source == "upstream_restore" && (!upstream_allowed || {AUTHORITATIVE})',
    "database": (
        'database == "renamed" || database == "missing" || database == "closed"'
        ' || database == "unreadable" || database == "disputed"'
        ' || (source == "existing" && database != "initialised")'
        ' || (source != "existing" && !may_rename)'
    ),
    "marker": (
        f'!{REMAINS} && !{ACCEPTS_PENDING} && marker != "bound"'
        ' && !(marker == "not_applicable" && database != "initialised")'
    ),
    "files": (
        'files == "foreign" || files == "elsewhere" || files == "unreadable"'
        f' || (!{REMAINS} && (files == "stale" || files == "untagged"'
        ' || (database == "initialised" && files != "ours")))'
    ),
    "room": 'room == "not_enough"',
    "keep": (
        'keep != "ready" && !(keep == "other_volume" && (room == "enough"'
        ' || source == "existing" || files == "absent" || files == "empty"))'
    ),
    "runtime contradicts": (
        'runtime == "other_lane" || runtime == "other_deployment" || runtime == "other_database"'
    ),
    "runtime silent": (
        '(runtime == "silent" || (runtime == "attested" && !attest))'
        f" && (runtime_required || {AUTHORITATIVE})"
    ),
    "gate": f"{NEEDS_GATE} && (!{OF_THIS_DATA} || !{FRESH})",
    "data proof": (
        f"{NEEDS_PROOF} && (!{OF_THIS_DATA} || proof != gate"
        " || proof_manifest != gate_manifest || proof_at > now)"
    ),
    "approvals": (
        f'source != "existing" && {LEAVES_DATA} && {AUTHORITATIVE}'
        " && (!requester_signed || approvers < approvers_required)"
    ),
    "upstream source": (
        'source == "upstream_restore" && (upstream_declared == ""'
        " || upstream_declared != upstream_recorded"
        ' || (place_system != "" && place_system == database_system'
        " && place_oid == database_oid))"
    ),
    "backup": (
        'source == "backup_restore" && (backup == "" || backup != backup_wanted'
        " || backup_lane != seen_lane || load_proof != backup"
        " || load_proof_manifest != backup_manifest || load_proof_at > now)"
    ),
    "kept": (
        'source == "kept" && (kept == "" || kept != kept_wanted || kept_lane != seen_lane'
        " || !kept_unchanged)"
    ),
    "target": ('target != "" && (target_read_from == "record" || target_live != target)'),
}
"""For each rule, when it refuses."""
