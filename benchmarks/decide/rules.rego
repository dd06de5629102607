# The rules in Rego: each `refused` is one way to be refused.
package lane

import rego.v1

default allowed := false

allowed if {
	input.policy_known
	not refused
}

retries if {
	input.unfinished_phase in {"started", "begun", "materialised"}
	input.retries == input.unfinished
	input.operation == input.unfinished_operation
	input.source == input.unfinished_source
}

may_be_remains if {
	retries
	input.unfinished_phase != "started"
	input.source != "existing"
	not on_another_cluster
}

remains if {
	may_be_remains
	input.database == "absent"
}

remains if {
	may_be_remains
	input.database in {"initialised", "uninitialised"}
	not recorded_data
	not claimed_by_a_tag
	not input.marker_is_anothers_own
}

on_another_cluster if {
	input.record_system != ""
	input.database_system != input.record_system
}

recorded_data if input.database_oid < 0

recorded_data if input.database_oid == input.record_oid

recorded_data if input.database_is_kept

tagged if {
	input.tag_state != ""
	input.tag_oid == input.database_oid
}

claimed_by_a_tag if {
	tagged
	input.tag_lane != input.seen_lane
}

claimed_by_a_tag if {
	tagged
	input.tag_state != "pending"
}

authoritative if input.policy_authoritative

authoritative if {
	input.provisional_until >= 0
	input.now >= input.provisional_until
}

authoritative if {
	remains
	input.unfinished_authoritative
}

authoritative if {
	not remains
	input.marker_authoritative
}

authoritative if {
	not remains
	input.marker_claimed
}

accepts_pending if {
	retries
	input.marker == "pending"
	input.marker_permit != ""
	input.marker_permit == input.unfinished_permit
}

nothing_there if {
	input.database in {"absent", "uninitialised"}
	input.marker == "not_applicable"
	input.files in {"absent", "empty"}
}

leaves_data if {
	not remains
	not nothing_there
}

given_up if {
	input.declared_lost
	input.source != "existing"
}

asks_for_backup if {
	leaves_data
	not given_up
}

needs_gate if {
	asks_for_backup
	input.gate_required
}

needs_gate if {
	asks_for_backup
	authoritative
}

needs_proof if {
	asks_for_backup
	input.proof_required
}

needs_proof if {
	asks_for_backup
	authoritative
}

of_this_data if {
	input.gate != ""
	input.record_system != ""
	input.gate_lane == input.record_lane
	input.gate_generation == input.record_generation
	input.gate_system == input.record_system
	input.gate_oid == input.record_oid
	input.gate_files == input.record_files
}

fresh if {
	input.gate_snapshot <= input.now
	input.now - input.gate_snapshot <= input.backup_max_age
}

fresh if {
	retries
	input.unfinished_begun >= 0
	input.gate_snapshot <= input.unfinished_begun
	input.unfinished_begun - input.gate_snapshot <= input.backup_max_age
}

refused if not input.store_trusted

refused if not input.clock_trusted

refused if input.policy_lane != input.request_lane

refused if input.request_lane != input.seen_lane

refused if input.seen_lane != input.record_lane

refused if {
	not retries
	input.unfinished != ""
}

refused if {
	not retries
	input.retries != ""
}

refused if {
	input.source == "empty"
	not input.empty_allowed
}

refused if {
	input.source == "empty"
	authoritative
}

refused if {
	input.source == "upstream_restore"
	not input.upstream_allowed
}

refused if {
	input.source == "upstream_restore"
	authoritative
}

refused if input.database in {"renamed", "missing", "closed", "unreadable", "disputed"}

refused if {
	input.source == "existing"
	input.database != "initialised"
}

refused if {
	input.source != "existing"
	not input.may_rename
}

marker_is_good if input.marker == "bound"

marker_is_good if {
	input.marker == "not_applicable"
	input.database != "initialised"
}

refused if {
	not remains
	not accepts_pending
	not marker_is_good
}

refused if input.files in {"foreign", "elsewhere", "unreadable"}

refused if {
	not remains
	input.files in {"stale", "untagged"}
}

refused if {
	not remains
	input.database == "initialised"
	input.files != "ours"
}

refused if input.room == "not_enough"

keep_is_ready if input.keep == "ready"

keep_is_ready if {
	input.keep == "other_volume"
	input.room == "enough"
}

keep_is_ready if {
	input.keep == "other_volume"
	input.source == "existing"
}

keep_is_ready if {
	input.keep == "other_volume"
	input.files in {"absent", "empty"}
}

refused if not keep_is_ready

refused if input.runtime in {"other_lane", "other_deployment", "other_database"}

silent if input.runtime == "silent"

silent if {
	input.runtime == "attested"
	not input.attest
}

refused if {
	silent
	input.runtime_required
}

refused if {
	silent
	authoritative
}

refused if {
	needs_gate
	not of_this_data
}

refused if {
	needs_gate
	not fresh
}

proven if {
	of_this_data
	input.proof == input.gate
	input.proof_manifest == input.gate_manifest
	input.proof_at <= input.now
}

refused if {
	needs_proof
	not proven
}

signed if {
	input.requester_signed
	input.approvers >= input.approvers_required
}

refused if {
	input.source != "existing"
	leaves_data
	authoritative
	not signed
}

upstream_agrees if {
	input.upstream_declared != ""
	input.upstream_declared == input.upstream_recorded
}

refused if {
	input.source == "upstream_restore"
	not upstream_agrees
}

refused if {
	input.source == "upstream_restore"
	input.place_system != ""
	input.place_system == input.database_system
	input.place_oid == input.database_oid
}

backup_is_proven if {
	input.backup != ""
	input.backup == input.backup_wanted
	input.backup_lane == input.seen_lane
	input.load_proof == input.backup
	input.load_proof_manifest == input.backup_manifest
	input.load_proof_at <= input.now
}

refused if {
	input.source == "backup_restore"
	not backup_is_proven
}

kept_is_ours if {
	input.kept != ""
	input.kept == input.kept_wanted
	input.kept_lane == input.seen_lane
	input.kept_unchanged
}

refused if {
	input.source == "kept"
	not kept_is_ours
}

target_is_ours if {
	input.target_read_from != "record"
	input.target_live == input.target
}

refused if {
	input.target != ""
	not target_is_ours
}
