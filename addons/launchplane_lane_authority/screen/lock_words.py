"""Whether PostgreSQL itself refuses to drop the database."""


def lock_words(env, reading, *, protected, stays_listed):
    """A label, its tone and a sentence."""
    entry, server = reading.entry, reading.server
    if entry is None or server is None:
        return (
            env._("Unknown"),
            "warning",
            env._("PostgreSQL did not say whether this database is locked."),
        )
    if entry.locked:
        text = env._("PostgreSQL itself refuses to delete this database.")
        if server.role_is_superuser:
            text += " " + env._(
                "But Odoo logs in as a PostgreSQL superuser, who can undo that. Ask the operator "
                "for an ordinary database user."
            )
        return env._("Locked"), "success", text
    if protected:
        text = env._(
            "This data is protected, but PostgreSQL would let somebody delete the database."
        )
        return env._("Not locked"), "danger", f"{text} {_what_to_do(env, reading, stays_listed)}"
    return (
        env._("Not locked"),
        "muted",
        env._("PostgreSQL would let its owner delete this database."),
    )


def _what_to_do(env, reading, stays_listed):
    """Why it is unlocked, where that is known, and the way on."""
    if not stays_listed:
        return env._(
            "It stays unlocked because this Odoo, as it is set up, would not find a locked "
            "database any more. Ask the operator to add launchplane_lane_authority to "
            "server_wide_modules in odoo.conf; the next confirmation by the Launchplane host "
            "locks it then."
        )
    if not (reading.entry.owned or reading.server.role_is_superuser):
        return env._(
            "Odoo's database user %s does not own it, so it may not lock it. Ask the operator to "
            "make that user its owner.",
            reading.server.role,
        )
    return env._("Ask the operator of the Launchplane host to lock it.")
