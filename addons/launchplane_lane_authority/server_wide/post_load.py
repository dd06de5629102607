"""What holds for the whole server, also for a database in which the addon is not installed.

Odoo runs it once a process, before any registry: in the server's main process, from which workers
are forked, where the addon is in `server_wide_modules`; else with the first registry that has it.
"""

from ..doors.database_service import guard_the_database_service
from ..doors.listing import keep_locked_databases_listed
from ..files.arriving import link_files_as_they_arrive
from ..quarantine.incoming_mail import hold_incoming_mail_back
from ..quarantine.other_systems import (
    hold_bought_services_back,
    hold_browser_notices_back,
    hold_text_messages_back,
    hold_webhooks_back,
)
from ..quarantine.outgoing_mail import hold_mail_servers_back, hold_outgoing_mail_back
from ..quarantine.scheduled_actions import hold_scheduled_actions_back
from .later import when_it_is_loaded


def post_load():
    """Put everything in its place."""
    hold_scheduled_actions_back()
    hold_mail_servers_back()
    when_it_is_loaded("mail", hold_outgoing_mail_back)
    when_it_is_loaded("mail", hold_incoming_mail_back)
    when_it_is_loaded("mail", hold_browser_notices_back)
    when_it_is_loaded("sms", hold_text_messages_back)
    when_it_is_loaded("iap", hold_bought_services_back)
    hold_webhooks_back()
    link_files_as_they_arrive()
    keep_locked_databases_listed()
    guard_the_database_service()
