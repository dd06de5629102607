"""Every place from which the guard is given an order, in one list. There is no other way to a lane.

A test reads the driver's own source: an order that is given, or a token that is signed, anywhere
else fails it, and so does an entry whose decision is gone.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class EntryPoint:
    """One place that has the guard change something on a lane's server."""

    module: str
    """The module, below the driver."""
    function: str
    """The function that gives the order."""
    order: str
    """The guard's command."""
    decided_in: str
    """The module and function that must have said yes before."""
    decided_by: tuple[str, ...]
    """What that function calls to know."""


REBUILD = ("make_plan", "require_same")
"""Reads everything again and decides; refuses when the plan or the decision has changed."""
LIFE = ("look", "begin_life")
"""Reads everything again, refuses for every reason, and uses the signatures up."""

ENTRY_POINTS: tuple[EntryPoint, ...] = (
    EntryPoint("operations.start", "begin", "begin", "operations.start:_sign_permit", REBUILD),
    EntryPoint(
        "operations.abort", "abort", "abort", "operations.abort:abort", ("wrong_phase", "permit_of")
    ),
    EntryPoint(
        "operations.finish",
        "finish",
        "finish",
        "operations.finish:finish",
        ("wrong_phase", "permit_of"),
    ),
    EntryPoint(
        "operations.undo", "undo", "undo", "operations.undo:undo", ("wrong_phase", "permit_of")
    ),
    EntryPoint(
        "operations.materialise",
        "materialise",
        "materialise",
        "operations.materialise:_decided_again",
        REBUILD,
    ),
    EntryPoint("lives.release", "_drop", "release", "lives.life:carry_out", LIFE),
    EntryPoint("lives.setting_aside", "set_aside", "set-aside", "lives.life:carry_out", LIFE),
    # Removes backups that nothing leans on.
    EntryPoint("backups.prune", "_remove", "prune", "backups.prune:prune", ("look",)),
    # Opens for reading, still locked, and closes again.
    EntryPoint(
        "backups.capture", "_opened", "open", "backups.capture:capture_kept", ("_kept_on_record",)
    ),
    EntryPoint(
        "lives.kept_doors",
        "switch_kept",
        "open",
        "lives.kept_doors:find_kept",
        ("nothing_is_under_way", "kept_is_unchanged"),
    ),
    EntryPoint("lives.lower", "_lower", "lower", "lives.life:carry_out", LIFE),
    EntryPoint("lives.marking", "_identity", "prepare", "lives.life:carry_out", LIFE),
    # After a rebuild what was permitted has been checked; else a life was decided.
    EntryPoint(
        "stamping",
        "stamp",
        "stamp",
        "operations.finish:finish",
        ("_both_witnesses_agree", "_obligations_met"),
    ),
)
"""All of them."""

WITH_THE_PERMIT = frozenset({"begin", "finish", "abort"})
"""Orders that are the permit itself, signed before."""

SIGNING: frozenset[tuple[str, str]] = frozenset(
    {(each.module, each.function) for each in ENTRY_POINTS if each.order not in WITH_THE_PERMIT}
    | {
        # The permit, and that of a retry; both are decided just before.
        ("operations.start", "_sign_permit"),
        ("operations.retry", "_sign_again"),
        ("lane_office", "sign"),
        # The token that asks a running Odoo; it only reads.
        ("runtime_client", "ask_runtime"),
        # Where tokens are made; what a person approves is one too.
        ("keys", "sign"),
        ("keys", "sign_approval"),
    }
)
"""Every function that has a token signed."""

WITHOUT_AN_ORDER: frozenset[tuple[str, str, str]] = frozenset(
    {
        # Reads, and writes backups beside the lane.
        ("backups.capture", "_capture", "capture"),
        # Lists them.
        ("backups.prune", "in_the_folder", "backups"),
        # Restores into a scratch database of its own, which it drops again.
        ("backups.prove", "prove", "prove"),
        # The same, and writes a backup beside the lane.
        ("backups.bring_in", "bring_in", "import"),
        # Drops what waits beside the lane and never had its name.
        ("operations.undo", "undo", "sweep"),
    }
)
"""What the guard does without an order (module, function, command); it drops no lane's data."""

PROGRAMS: frozenset[tuple[str, str]] = frozenset(
    {
        ("guard_client", "_run"),
        # `ssh-keygen`.
        ("approvals", "sign"),
        ("approvals", "_ask"),
        # The lane's `password_command`.
        ("database_witness", "_password"),
        # `pip`, which fetches what a bundle is made of.
        ("guard_bundle", "_download"),
    }
)
"""Every function that starts a program."""

ADDRESSES: frozenset[tuple[str, str]] = frozenset(
    {
        ("guard_client", "_run"),
        ("lane_configuration", "_each_once"),
        # The command of another place, where backups are proven.
        ("backups.asking", "where_proven"),
        # The guard at the place that the lane moved from; it is only read.
        ("lives.old_place", "read_old_place"),
        # They show it.
        ("doctor_lane", "_guard"),
        ("forecast", "forecast"),
    }
)
"""Every function that knows where a lane's guard is."""

FILES: frozenset[tuple[str, str]] = frozenset(
    {
        ("durable", "write_durably"),
        ("durable", "make_folder_durably"),
        ("durable", "_sync_folder"),
        ("key_ring", "rotate"),
        ("key_ring", "revoke"),
        ("ledger_head", "lock"),
        ("store.engine", "_make_sqlite_engine"),
        # Scratch files for `ssh-keygen`.
        ("approvals", "_files"),
        ("approvals", "line_problem"),
        # Holds its standard output back.
        ("commands.decide_command", "decide"),
    }
)
"""Every function that changes files by itself; all of them are the host's own, none is a lane's."""

STATEMENTS: frozenset[tuple[str, str]] = frozenset(
    {("database_witness", "reader"), ("database_witness", "query")}
)
"""Every function outside the store that talks to a server; by a connection that can only read."""
