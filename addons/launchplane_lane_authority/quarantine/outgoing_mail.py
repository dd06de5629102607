"""No mail leaves in quarantine; it stays in the queue as it is, and goes out when that ends."""

from odoo.addons.base.models.ir_mail_server import IrMail_Server
from odoo.http import request

from ..server_wide.hooking import put_before
from .held_back import held_back
from .reading import quarantine_of
from .words import why_held_back


def hold_mail_servers_back():
    """Whoever connects to a mail server himself, the button *Test Connection* included."""
    put_before(IrMail_Server, "_connect__", _refuse)
    put_before(IrMail_Server, "send_email", _refuse)


def hold_outgoing_mail_back():
    """Queued mail, which Odoo would mark as failed if only the mail server refused."""
    from odoo.addons.mail.models.mail_mail import MailMail

    put_before(MailMail, "send", _send)


def _refuse(original, servers, *arguments, **keywords):
    found = quarantine_of(servers.env.cr)
    if found is not None:
        raise held_back(servers.env, found)
    return original(servers, *arguments, **keywords)


def _send(original, mails, auto_commit=False, raise_exception=False, post_send_callback=None):
    found = quarantine_of(mails.env.cr)
    if found is None:
        return original(
            mails,
            auto_commit=auto_commit,
            raise_exception=raise_exception,
            post_send_callback=post_send_callback,
        )
    # Who asked for this very mail gets an answer; work of which mail is only a part goes on.
    if raise_exception or _sent_by_hand():
        raise held_back(mails.env, found)
    _tell_the_sender(mails.env, found)
    return True


def _sent_by_hand():
    """Whether the request is about the mail itself, as the button *Send Now* is."""
    return bool(request) and (request.params or {}).get("model") == "mail.mail"


def _tell_the_sender(env, found):
    """Show whoever works in a browser that the message is queued, once a request."""
    user_id = request.session.uid if request and request.session else None
    if not user_id or getattr(request, "launchplane_told", False):
        return
    request.launchplane_told = True
    user = env["res.users"].browse(user_id)
    env_of_the_user = env(user=user_id, su=False)
    user.sudo()._bus_send(
        "simple_notification",
        {
            "type": "warning",
            "title": env_of_the_user._("Your message is queued"),
            "message": why_held_back(env_of_the_user, found),
            "sticky": True,
        },
    )
