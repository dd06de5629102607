"""The template is a working Odoo database, restored in seconds and copied in less."""

import time
from pathlib import Path

import pytest

from tests.real import PrivateCluster, find_odoo, odoo_template
from tests.real.template import MODULES, template_key

RESTORE_BUDGET = 8.0

pytestmark = pytest.mark.slow


def test_restored_and_copied(tmp_path: Path) -> None:
    template = odoo_template()
    with PrivateCluster() as cluster:
        began = time.monotonic()
        template.restore(cluster)
        assert time.monotonic() - began < RESTORE_BUDGET
        filestores = [template.create_lane(cluster, name, tmp_path) for name in ("one", "other")]
        oids = cluster.execute("SELECT oid FROM pg_database WHERE datname IN ('one', 'other')")
        assert len(set(oids)) == 2
        assert filestores[0] == tmp_path / "filestore" / "one"
        with cluster.connect("one") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT name FROM ir_module_module WHERE state = 'installed'")
            assert {row[0] for row in cursor.fetchall()} >= set(MODULES)
            cursor.execute("SELECT store_fname FROM ir_attachment WHERE store_fname IS NOT NULL")
            named = [row[0] for row in cursor.fetchall()]
        assert named
        assert all((filestores[0] / name).is_file() for name in named)


def test_its_tables_belong_to_the_owner_of_lanes() -> None:
    with PrivateCluster() as cluster:
        odoo_template().restore(cluster)
        foreign = cluster.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname = 'public' AND relowner <> 'odoo'::regrole",
            "odoo_template",
        )
        assert foreign == []


def test_another_addon_source_is_another_template(tmp_path: Path) -> None:
    odoo = find_odoo()
    source = tmp_path / "addon" / "__manifest__.py"
    source.parent.mkdir()
    source.write_text("{'name': 'one'}")
    before = template_key(odoo, MODULES, (tmp_path,), None)
    assert before == template_key(odoo, MODULES, (tmp_path,), None)
    source.write_text("{'name': 'other'}")
    assert before != template_key(odoo, MODULES, (tmp_path,), None)
