"""What is raised where a person, or a program that can handle it, must know that nothing leaves."""

from odoo.addons.base.models.ir_mail_server import MailDeliveryException
from odoo.exceptions import UserError

from .words import why_held_back


class HeldBack(UserError, MailDeliveryException):
    """A message to people, and for programs the failure that sending mail may have anyway."""


def held_back(env, quarantine):
    """The exception, with the reason and the way on in the reader's language."""
    return HeldBack(why_held_back(env, quarantine))
