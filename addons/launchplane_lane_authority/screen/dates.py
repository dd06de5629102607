"""Instants as the administrator reads them."""

from odoo.tools import format_date


def day(env, instant):
    """The day of an instant, written out in the reader's language."""
    return format_date(env, instant.date(), date_format="d MMMM yyyy")


def days_until(instant, now):
    """Days that are left, begun ones counted; never less than nothing."""
    seconds = (instant - now).total_seconds()
    return max(0, -int(-seconds // 86400))
