"""What reaches other systems while somebody works: text messages, browsers' notices, webhooks, IAP.

A text message stays in its queue as mail does. What has no queue is not sent at all, and the work
of which it is a part goes on; who asked for nothing else reads why.
"""

import logging
import threading

import psycopg2
from odoo import SUPERUSER_ID, api
from odoo.addons.base.models.ir_actions import IrActionsServer
from odoo.exceptions import AccessError
from odoo.sql_db import db_connect

from ..server_wide.hooking import put_before
from .held_back import held_back
from .reading import quarantine_of
from .words import why_held_back

_logger = logging.getLogger(__name__)


def hold_webhooks_back():
    """Those of automation rules included, which run as people save a record."""
    put_before(IrActionsServer, "_run_action_webhook", _run_action_webhook)


def hold_browser_notices_back():
    """The browsers that are on record are those of the people who use the original."""
    from odoo.addons.mail.models.mail_thread import MailThread

    put_before(MailThread, "_web_push_send_notification", _web_push_send_notification)


def hold_text_messages_back():
    """Queued, as Odoo would mark them as failed if only their provider were not reached."""
    from odoo.addons.sms.models.sms_sms import SmsSms

    put_before(SmsSms, "send", _send_text_messages)


def hold_bought_services_back():
    """Odoo's In-App Purchases, letters among them: they are paid for by the original's account."""
    from odoo.addons import iap

    put_before(iap.tools.iap_tools, "iap_jsonrpc", _iap_jsonrpc)
    # The same under the name that older addons know.
    iap.jsonrpc = iap.tools.iap_tools.iap_jsonrpc


def _run_action_webhook(original, actions, *arguments, **keywords):
    if quarantine_of(actions.env.cr) is None:
        return original(actions, *arguments, **keywords)
    _logger.warning("Webhook %r is not called: the database is in quarantine.", actions.name)
    return None


def _web_push_send_notification(original, threads, *arguments, **keywords):
    if quarantine_of(threads.env.cr) is None:
        return original(threads, *arguments, **keywords)
    return None


def _send_text_messages(original, messages, *arguments, **keywords):
    found = quarantine_of(messages.env.cr)
    if found is None:
        return original(messages, *arguments, **keywords)
    if keywords.get("raise_exception"):
        raise held_back(messages.env, found)
    _logger.info("%d text message(s) stay queued by the quarantine.", len(messages))
    return None


def _iap_jsonrpc(original, *arguments, **keywords):
    """It is told nothing of the database that it is called for; the thread at work knows it."""
    name = getattr(threading.current_thread(), "dbname", None)
    why = _why_held_back(name) if name else None
    if why is not None:
        # As when the service does not answer, for which those who ask it are prepared.
        raise AccessError(why)
    return original(*arguments, **keywords)


def _why_held_back(name):
    try:
        with db_connect(name).cursor() as cursor:
            found = quarantine_of(cursor)
            if found is None:
                return None
            return why_held_back(api.Environment(cursor, SUPERUSER_ID, {}), found)
    except psycopg2.Error:
        return None
