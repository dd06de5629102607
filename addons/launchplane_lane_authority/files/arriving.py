"""Each file that Odoo writes is noted, and told of once its transaction is committed.

It asks the database nothing, and who saves a file waits for nothing: the rest is done beside.
"""

import os

from odoo.addons.base.models.ir_attachment import IrAttachment

from ..guard.settings import KEEP_VARIABLE
from ..server_wide.hooking import put_before
from .shadow_upkeep import note_arrived

_ARRIVED = "launchplane_lane_authority.arrived"


def link_files_as_they_arrive():
    """In every process that may write an attachment."""
    put_before(IrAttachment, "_file_write", _file_write)


def _file_write(original, attachments, *arguments, **keywords):
    name = original(attachments, *arguments, **keywords)
    if os.environ.get(KEEP_VARIABLE):
        _after_the_commit(attachments.env.cr, name)
    return name


def _after_the_commit(cursor, name):
    """What is rolled back is never told of: Odoo's own collection takes that file."""
    arrived = cursor.postcommit.data.get(_ARRIVED)
    if arrived is None:
        arrived = cursor.postcommit.data[_ARRIVED] = set()
        cursor.postcommit.add(lambda: note_arrived(cursor.dbname, arrived))
    arrived.add(name)
