"""The devkit's stand-in: what each mode leaves behind."""

from pathlib import Path

import pytest

from tests.standins_tests.small_lane import LANE, LAYER, SCRIPT, UPSTREAM, SmallLane

ORDERS = pytest.mark.parametrize("order", ["older", "newer"])


@ORDERS
def test_bootstrap_replaces_an_unlocked_lane(lane: SmallLane, order: str) -> None:
    code, log = lane.run("--bootstrap", "--order", order)
    assert (code, lane.whose(), lane.file_names()) == (0, [LAYER], [LAYER]), log


@ORDERS
def test_bootstrap_of_a_locked_lane_fails_before_it_touches_anything(
    lane: SmallLane, order: str
) -> None:
    lane.lock()
    code, log = lane.run("--bootstrap", "--order", order)
    assert (code, lane.whose(), lane.file_names()) == (20, [LANE], [LANE]), log


def test_bootstrap_where_nothing_stands_under_the_name(lane: SmallLane) -> None:
    lane.vacate()
    code, log = lane.run("--bootstrap")
    assert (code, lane.whose(), lane.file_names()) == (0, [LAYER], [LAYER]), log


def test_bootstrap_without_an_image_layer_begins_from_nothing(lane: SmallLane) -> None:
    code, log = lane.run("--bootstrap", DEVKIT_TEMPLATE_DATABASE="", ODOO_INSTALL_MODULES="sale")
    assert (code, lane.file_names()) == (0, []), log
    assert lane.exists()
    assert "install base, web, sale; update nothing" in log


@ORDERS
def test_restore_replaces_an_unlocked_lane(lane: SmallLane, order: str) -> None:
    code, log = lane.run("--order", order)
    assert (code, lane.whose(), lane.file_names()) == (0, [UPSTREAM], [UPSTREAM]), log


@ORDERS
def test_restore_of_a_locked_lane_has_copied_the_files_before_the_drop_fails(
    lane: SmallLane, order: str
) -> None:
    lane.lock()
    code, log = lane.run("--order", order)
    # The rows are read as the owner, so connections are allowed again.
    assert (code, lane.whose(), lane.file_names()) == (10, [LANE], [UPSTREAM]), log


def test_restore_where_nothing_stands_under_the_name(lane: SmallLane) -> None:
    lane.vacate()
    code, log = lane.run()
    assert (code, lane.whose(), lane.file_names()) == (0, [UPSTREAM], [UPSTREAM]), log


def test_a_failure_after_the_drop_takes_the_restored_database_away(lane: SmallLane) -> None:
    code, log = lane.run(ODOO_COMMAND='["false"]', ODOO_INSTALL_MODULES="sale")
    assert (code, lane.exists()) == (40, False), log


def test_a_restore_that_cannot_read_its_upstream_leaves_the_database(lane: SmallLane) -> None:
    code, log = lane.run(ODOO_UPSTREAM_DB_NAME=LAYER, ODOO_UPSTREAM_DB_PORT="1")
    assert (code, lane.whose()) == (10, [LANE]), log


@pytest.mark.parametrize("flag", ["--update-only", "--post-deploy-maintenance"])
def test_the_other_modes_destroy_nothing(lane: SmallLane, flag: str) -> None:
    code, log = lane.run(flag, ODOO_INSTALL_MODULES="sale")
    assert (code, lane.whose(), lane.file_names()) == (0, [LANE], [LANE]), log


@pytest.mark.parametrize(
    ("flags", "step", "code", "left"),
    [
        ((), "drop", 10, None),
        ((), "create", 10, "empty"),
        ((), "restore", 10, UPSTREAM),
        ((), "install", 40, UPSTREAM),
        (("--bootstrap",), "drop", 20, None),
        (("--bootstrap",), "create", 20, LAYER),
        (("--bootstrap",), "install", 20, LAYER),
    ],
)
def test_a_death_half_way_leaves_what_was_done(
    lane: SmallLane, flags: tuple[str, ...], step: str, code: int, left: str | None
) -> None:
    answer, log = lane.run(*flags, DEVKIT_FAIL_AFTER=step)
    assert (answer, lane.exists()) == (code, left is not None), log
    if left not in (None, "empty"):
        assert lane.whose() == [left]
    again, log = lane.run(*flags)
    assert again == 0, log


@pytest.mark.parametrize(
    "flag", ["--bootstrap", "--order=newer", "--update-only", "--post-deploy-maintenance"]
)
def test_every_mode_takes_the_lock(lane: SmallLane, flag: str) -> None:
    held = lane.folder / "workflow.lock"
    held.touch()
    code, log = lane.run(flag)
    assert (code, lane.whose(), lane.file_names()) == (20, [LANE], [LANE]), log
    assert held.exists()


def test_bad_arguments_and_settings(lane: SmallLane) -> None:
    assert lane.run("--bootstrap", "--update-only")[0] == 30
    assert lane.run("--force")[0] == 30
    assert lane.run(ODOO_DB_NAME="")[0] == 30
    assert lane.run("--bootstrap", ODOO_COMMAND="odoo")[0] == 30
    assert (lane.whose(), lane.file_names()) == ([LANE], [LANE])


def test_the_filestore_path_may_end_in_the_name(lane: SmallLane) -> None:
    code, log = lane.run("--bootstrap", ODOO_FILESTORE_PATH=str(lane.files()))
    assert (code, lane.file_names()) == (0, [LAYER]), log


def test_no_password_is_printed(lane: SmallLane) -> None:
    password = lane.cluster.odoo.password
    tells = '["sh", "-c", "echo it is $PGPASSWORD"]'
    code, log = lane.run("--bootstrap", ODOO_COMMAND=tells, ODOO_INSTALL_MODULES="sale")
    assert code == 0
    assert "it is ***" in log
    assert password not in log


def test_it_is_ignorant_of_this_project() -> None:
    text = Path(SCRIPT).read_text()
    assert "launchplane" not in text.lower()
    assert "import tests" not in text and "from tests" not in text
