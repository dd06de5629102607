"""The route that the control plane asks: who gets an answer, and what it says."""

import os
import tempfile
from datetime import timedelta
from unittest.mock import patch

from odoo.tests import HttpCase, tagged
from odoo.tools import config, mute_logger

from launchplane_lane_contracts.contract import RULEBOOK_VERSION
from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME, FilestoreTag
from launchplane_lane_contracts.orders import WitnessOrder
from launchplane_lane_contracts.reading import RuntimeReading
from launchplane_lane_contracts.vocabulary import TagState

from ..controllers import answer_rate, lane_authority
from ..guard.filestore import write_tag
from ..guard.settings import PUBLIC_KEYS_VARIABLE
from ..reading import expected_generation as memory
from ..reading.expected_generation import expected_generation
from .control_plane import ControlPlane
from .lane_case import CM, PROTECTED, SYO, LaneCase

ROUTE = "/launchplane/lane-authority"


@tagged("post_install", "-at_install")
class TestWitness(LaneCase, HttpCase):
    """Over real HTTP."""

    def ask(self, token=None, scheme="Bearer"):
        """One question."""
        # Where Odoo serves several databases, the one that is meant has to be named.
        headers = {"X-Odoo-Database": self.env.cr.dbname}
        if token is not None:
            headers["Authorization"] = f"{scheme} {token}"
        return self.url_open(ROUTE, headers=headers)

    def token(self, lane=CM, control_plane=None, generation=None, **options):
        """The control plane's question."""
        order = WitnessOrder(lane=lane, expected_generation=generation)
        return (control_plane or self.control_plane).sign(order, **options)

    def assert_not_answered(self, answer):
        """401, and not a word more."""
        self.assertEqual(answer.status_code, 401)
        self.assertEqual(answer.content, b"")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")

    def test_without_a_token(self):
        self.assert_not_answered(self.ask())

    def test_with_a_wrong_token(self):
        stranger = ControlPlane()
        self.addCleanup(stranger.close)
        for token in (
            "",
            "nonsense",
            "a.b.c",
            "x" * 10_000,
            self.token(control_plane=stranger),
            self.token(valid_for=timedelta(minutes=-5)),
            self.token()[:-8] + "AAAAAAAA",
        ):
            with self.subTest(token=token[:20]):
                self.assert_not_answered(self.ask(token))
        self.assert_not_answered(self.ask(self.token(), scheme="Basic"))

    def test_an_order_of_another_kind_is_no_question(self):
        self.assert_not_answered(self.ask(self.stamp(self.marker(PROTECTED))))

    def test_for_another_lane(self):
        self.assert_not_answered(self.ask(self.token(lane=SYO)))

    @mute_logger("odoo.addons.launchplane_lane_authority.controllers.lane_authority")
    def test_without_a_lane_of_its_own(self):
        self.run_for(None)
        self.assert_not_answered(self.ask(self.token()))

    @mute_logger("odoo.addons.launchplane_lane_authority.controllers.lane_authority")
    def test_without_keys(self):
        token = self.token()
        with patch.dict(os.environ, {PUBLIC_KEYS_VARIABLE: ""}):
            self.assert_not_answered(self.ask(token))

    def test_only_reading(self):
        self.assertEqual(self.url_open(ROUTE, data={"a": "b"}).status_code, 405)

    def test_the_answer(self):
        marker = self.marker(PROTECTED)
        self.stamp(marker)
        answer = self.ask(self.token())
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertTrue(answer.headers["Content-Type"].startswith("application/json"))
        self.assertNotIn("Set-Cookie", answer.headers)
        reading = RuntimeReading.from_json(answer.content)
        self.assertEqual(reading.runtime_identity.lane, CM)
        self.assertEqual(reading.runtime_identity.deployment_record_id, "deployment-7")
        self.assertEqual(reading.identity, marker.identity)
        self.assertEqual(reading.marker_generation, 3)
        self.assertEqual(reading.filestore_path, config.filestore(self.env.cr.dbname))
        self.assertTrue(reading.registry_loaded)
        self.assertIs(reading.neutralised, False)
        self.assertEqual(reading.addon_version, "19.0.0.1.0")
        self.assertEqual(reading.rulebook_version, RULEBOOK_VERSION)

    def test_the_generation_that_was_settled_is_remembered(self):
        with (
            tempfile.TemporaryDirectory() as folder,
            patch.object(memory, "FILE_NAME", f"{folder}/settled.json"),
        ):
            self.assert_not_answered(self.ask(self.token(lane=SYO, generation=9)))
            self.assertIsNone(expected_generation(CM))
            for named, known in ((4, 4), (None, 4), (3, 4), (5, 5)):
                self.assertEqual(self.ask(self.token(generation=named)).status_code, 200)
                self.assertEqual(expected_generation(CM), known)
            self.assertIsNone(expected_generation(SYO))

    def test_so_many_answers_and_no_more(self):
        with (
            patch.object(lane_authority, "_rate", answer_rate.AnswerRate()),
            patch.object(answer_rate, "MOST_ANSWERS", 2),
        ):
            for _each in range(5):
                # Strangers take nobody's turn.
                self.assert_not_answered(self.ask("nonsense"))
            answers = [self.ask(self.token()) for _each in range(3)]
            self.assertEqual([each.status_code for each in answers], [200, 200, 429])
            self.assertEqual(answers[2].content, b"")
            self.assertEqual(answers[2].headers["Retry-After"], "10")
            self.assert_not_answered(self.ask("nonsense"))

    def test_neutralised(self):
        self.env["ir.config_parameter"].set_param("database.is_neutralized", "true")
        self.env.flush_all()
        self.assertIs(self.reading().neutralised, True)

    def test_listed_when_locked(self):
        name = self.env.cr.dbname
        everywhere = {"server_wide_modules": ["base", "web", "launchplane_lane_authority"]}
        for options, stays in (
            ({"db_name": [name], "dbfilter": ""}, True),
            ({"db_name": [name], "dbfilter": f"^{name}$"}, False),
            ({"db_name": [name], "dbfilter": f"^{name}$", **everywhere}, True),
            ({"db_name": [name, "another"], "dbfilter": ""}, True),
        ):
            with self.subTest(options=options), patch.dict(config.options, options):
                self.assertIs(self.reading().stays_listed_when_locked, stays)

    def test_the_tag_in_the_folder_that_odoo_serves(self):
        marker = self.marker(PROTECTED)
        tag = FilestoreTag(
            lane=CM,
            generation=3,
            system_identifier=marker.identity.system_identifier,
            database_oid=marker.identity.database_oid,
            state=TagState.LIVE,
        )
        folder = self.startPatcher(patch.object(config, "filestore"))
        place = self.control_plane.public_keys.parent / "files"
        folder.return_value = str(place)
        self.assertIsNone(self.reading().filestore_tag)
        write_tag(place, tag)
        self.assertEqual(self.reading().filestore_tag, tag)
        (place / FILESTORE_TAG_NAME).write_text("broken")
        self.assertIsNone(self.reading().filestore_tag)

    def test_a_broken_table_is_answered_with_what_is_known(self):
        self.query("ALTER TABLE public.launchplane_lane_marker RENAME COLUMN token TO t", ())
        reading = self.reading()
        self.assertIsNone(reading.marker_generation)
        self.assertEqual(reading.identity.database_name, self.env.cr.dbname)
        self.query("ALTER TABLE public.launchplane_lane_marker RENAME TO elsewhere", ())
        reading = self.reading()
        self.assertIsNone(reading.identity)
        self.assertTrue(reading.registry_loaded)
        self.query(
            "CREATE VIEW public.launchplane_lane_marker AS "
            "SELECT id, t AS token, state, lane, rollout_state, authoritative, generation / 0 "
            "AS generation, nonce, claimed FROM elsewhere",
            (),
        )
        self.assertIsNone(self.reading().identity)

    def test_a_table_that_may_not_be_read(self):
        self.stamp(self.marker(PROTECTED))
        self.query(f"REVOKE ALL ON public.launchplane_lane_marker FROM {self.role()}", ())
        reading = self.reading()
        self.assertIsNone(reading.marker_generation)
        self.assertTrue(reading.registry_loaded)

    def role(self):
        """Who Odoo is to PostgreSQL."""
        return self.query("SELECT quote_ident(current_user)", ())[0][0]

    def reading(self):
        """The answer to a question that is the control plane's own."""
        answer = self.ask(self.token())
        self.assertEqual(answer.status_code, 200)
        return RuntimeReading.from_json(answer.content)
