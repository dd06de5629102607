"""What a file that arrives costs whoever saves it."""

import base64
import os
import tempfile
from pathlib import Path
from unittest.mock import patch

from odoo.tests import TransactionCase, tagged

from ..files import arriving
from ..guard.settings import KEEP_VARIABLE
from .lane_case import LaneCase


@tagged("post_install", "-at_install")
class TestArrivingFiles(LaneCase, TransactionCase):
    """Nothing is linked here: nothing of a test is ever committed."""

    def queries_of_an_upload(self, words, keep):
        """How many statements the upload of a new file takes."""
        with patch.dict(os.environ, {KEEP_VARIABLE: keep}):
            before = self.env.cr.sql_log_count
            self.attachment = self.env["ir.attachment"].create(
                {"name": "ours", "datas": base64.b64encode(words.encode())}
            )
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

    def test_it_adds_no_query_and_waits_for_the_commit(self):
        keep = self.enterContext(tempfile.TemporaryDirectory(prefix="lane-keep-"))
        self.queries_of_an_upload("so that everything is in the caches", "")
        self.assertFalse(self.arrived())
        without = self.queries_of_an_upload("without a keep", "")
        self.assertEqual(self.queries_of_an_upload("with a keep", keep), without)
        self.assertEqual(self.arrived(), {self.attachment.store_fname})
        self.assertFalse(list(Path(keep).iterdir()))
        self.env.cr.postcommit.clear()
        self.assertFalse(self.arrived())

    def arrived(self):
        """The files of which will be told once this is committed."""
        return self.env.cr.postcommit.data.get(arriving._ARRIVED)
