"""Whether PostgreSQL itself refuses to drop the database."""


def lock_words(env, reading, *, protected):
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
        return (
            env._("Not locked"),
            "danger",
            env._(
                "This data is protected, but PostgreSQL would let somebody delete the database. "
                "Ask the operator of the Launchplane host to lock it."
            ),
        )
    return (
        env._("Not locked"),
        "muted",
        env._("PostgreSQL would let its owner delete this database."),
    )
