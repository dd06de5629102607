"""The tables are adopted as they are, and outlast the addon."""

from odoo.tests import TransactionCase, tagged

from ..models.ir_model import LASTING_MODELS
from .lane_case import PROTECTED, LaneCase

TABLES = tuple(name.replace(".", "_") for name in LASTING_MODELS)


@tagged("post_install", "-at_install")
class TestLastingTables(LaneCase, TransactionCase):
    """By oid, columns and rows."""

    def setUp(self):
        """A marker as the guard writes it."""
        super().setUp()
        self.stamp(self.marker(PROTECTED))
        self.before = self.state()

    def state(self):
        """Both tables' oids, columns and rows."""
        return [
            (
                self.query("SELECT %s::regclass::oid", (table,)),
                self.query(
                    "SELECT attname, atttypid, attnotnull FROM pg_attribute "
                    "WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
                    (table,),
                ),
                self.query(f"SELECT * FROM {table}", ()),
            )
            for table in TABLES
        ]

    def test_an_existing_table_is_adopted(self):
        for name in LASTING_MODELS:
            self.env[name]._auto_init()
            self.env[name].init()
        self.assertEqual(self.state(), self.before)

    def test_a_missing_table_is_made(self):
        for name, table in zip(LASTING_MODELS, TABLES, strict=True):
            self.query(f"DROP TABLE {table}", ())
            self.env[name].init()
            self.assertFalse(self.env[name].search_count([]))

    def test_uninstalling_keeps_the_tables(self):
        models = self.env["ir.model"].search([("model", "in", LASTING_MODELS)])
        self.assertEqual(len(models), len(LASTING_MODELS))
        models.field_id._drop_column()
        models._drop_table()
        self.assertEqual(self.state(), self.before)
