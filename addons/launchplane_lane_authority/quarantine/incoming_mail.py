"""No mail is fetched in quarantine: it stays where it is, for the database that it belongs to."""

from ..server_wide.hooking import put_before
from .held_back import held_back
from .reading import quarantine_of


def hold_incoming_mail_back():
    """Mail of IMAP and POP servers, fetched by the scheduled action or by a button."""
    from odoo.addons.mail.models.fetchmail import FetchmailServer

    put_before(FetchmailServer, "_fetch_mail", _fetch_mail)
    put_before(FetchmailServer, "_connect__", _connect)


def _fetch_mail(original, servers, *arguments, **keywords):
    """Odoo's own returns the problem and notes it as a failure of the server; this is none."""
    found = quarantine_of(servers.env.cr)
    if found is not None:
        return held_back(servers.env, found)
    return original(servers, *arguments, **keywords)


def _connect(original, servers, *arguments, **keywords):
    found = quarantine_of(servers.env.cr)
    if found is not None:
        raise held_back(servers.env, found)
    return original(servers, *arguments, **keywords)
