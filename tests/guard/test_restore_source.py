"""What may be materialised: exactly what the permit says, while the lane is as `begin` left it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.errors import Refused
from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME, EngineTag
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.policy import UpstreamSource
from launchplane_lane_contracts.restore_source import RestoreSource
from launchplane_lane_contracts.vocabulary import DataSource, TagState
from launchplane_lane_guard.restore_source import (
    offered_upstream,
    restore_source,
    restore_source_here,
)
from launchplane_lane_guard.settings import settings_from_environment
from tests.declarations import declaration_text
from tests.guard import fingerprint
from tests.guard.child import Answer
from tests.guard.estate import BACKUP, Estate, refused

UPSTREAM = UpstreamSource(
    name="the old server",
    host="old.example",
    database=DatabaseName("production"),
    filestore_path=FilestorePath("/srv/odoo/filestore"),
)
OFFERED = {
    "ODOO_UPSTREAM_HOST": "old.example",
    "ODOO_UPSTREAM_DB_NAME": "production",
    "ODOO_UPSTREAM_FILESTORE_PATH": "/srv/odoo/filestore/production",
}


def ask(lane: Estate, token: str | None = None, **changed: str | None) -> Answer:
    """Ask by the command, with the permit or with the one that the keep knows."""
    arguments = ["restore-source", *(["--permit", "-"] if token is not None else [])]
    before = lane.everything()
    answer = lane.start_with(arguments, token or "", **changed).wait()
    assert "Traceback" not in answer.words, answer.words
    assert lane.everything() == before
    return answer


def told(answer: Answer) -> RestoreSource:
    assert answer.exit_code == 0, answer.words
    assert answer.receipt is not None
    assert answer.receipt.result is not None
    return RestoreSource.from_plain(answer.receipt.result)


def begun(lane: Estate, source: DataSource) -> tuple[Permit, str]:
    permit = lane.permit(source)
    token = lane.sign(permit)
    lane.done("begin", token)
    return permit, token


@pytest.fixture
def from_upstream(lane: Estate) -> Estate:
    """A lane that may be restored from its old server."""
    lane.upstream = UPSTREAM
    return lane


def test_an_empty_lane(lane: Estate) -> None:
    permit, token = begun(lane, DataSource.EMPTY)
    answer = ask(lane, token)
    found = told(answer)
    assert answer.receipt is not None
    assert answer.receipt.nonce == permit.nonce
    assert found.data_source is DataSource.EMPTY
    assert (found.upstream, found.backup, found.kept) == (None, None, None)
    assert found.obligations == permit.obligations
    assert (found.database, found.filestore_path) == (lane.database, str(lane.filestore))
    # The lane's keep knows which permit has begun.
    assert told(ask(lane)) == found


def test_exactly_that_upstream(from_upstream: Estate) -> None:
    _permit, token = begun(from_upstream, DataSource.UPSTREAM_RESTORE)
    found = told(ask(from_upstream, token, **OFFERED))
    assert found.upstream == UPSTREAM
    assert found.obligations.neutralise
    # The folder above, and a host name as people write it, are the same source.
    same = {
        "ODOO_UPSTREAM_HOST": "OLD.example.",
        "ODOO_UPSTREAM_FILESTORE_PATH": "/srv/odoo/filestore/",
    }
    assert told(ask(from_upstream, token, **{**OFFERED, **same})) == found


def test_another_upstream_is_refused(from_upstream: Estate) -> None:
    _permit, token = begun(from_upstream, DataSource.UPSTREAM_RESTORE)
    others: list[dict[str, str | None]] = [
        {"ODOO_UPSTREAM_HOST": "other.example"},
        {"ODOO_UPSTREAM_HOST": None},
        {"ODOO_UPSTREAM_DB_NAME": "production2"},
        {"ODOO_UPSTREAM_DB_NAME": ""},
        {"ODOO_UPSTREAM_FILESTORE_PATH": "/srv/other/filestore"},
        {"ODOO_UPSTREAM_FILESTORE_PATH": None},
    ]
    for changed in others:
        refused(ask(from_upstream, token, **{**OFFERED, **changed}), "source_differs")
    told(ask(from_upstream, token, **OFFERED))


def test_all_that_differs_is_told(from_upstream: Estate) -> None:
    _permit, token = begun(from_upstream, DataSource.UPSTREAM_RESTORE)
    answer = ask(from_upstream, token)
    assert answer.receipt is not None
    assert [each.facts["fact"] for each in answer.receipt.reasons] == ["host", "database", "files"]


def test_the_lanes_own_database_is_no_upstream(lane: Estate) -> None:
    lane.upstream = UPSTREAM.model_copy(
        update={"host": lane.cluster.host, "database": DatabaseName(lane.database)}
    )
    _permit, token = begun(lane, DataSource.UPSTREAM_RESTORE)
    offered = {
        "ODOO_UPSTREAM_HOST": lane.cluster.host,
        "ODOO_UPSTREAM_DB_NAME": lane.database,
        "ODOO_UPSTREAM_FILESTORE_PATH": "/srv/odoo/filestore",
    }
    refused(ask(lane, token, **offered), "source_is_the_lane_itself")


def test_what_the_image_declares_must_agree(from_upstream: Estate) -> None:
    lane = from_upstream
    _permit, token = begun(lane, DataSource.UPSTREAM_RESTORE)
    assert told(ask(lane, token, **OFFERED)).upstream == UPSTREAM
    other = lane.folder / "other.toml"
    changed = UPSTREAM.model_copy(update={"database": DatabaseName("elsewhere")})
    other.write_text(declaration_text(lane.lane, changed))
    for file, code in ((str(other), "source_disagrees"), (None, "source_undeclared")):
        refused(ask(lane, token, LANE_AUTHORITY_TENANT_DECLARATION=file, **OFFERED), code)


def test_exactly_that_backup(lane: Estate) -> None:
    _permit, token = begun(lane, DataSource.BACKUP_RESTORE)
    found = told(ask(lane, token))
    assert found.backup is not None
    assert found.backup.backup_id == BACKUP
    assert found.upstream is None


def test_kept_data_is_there_already(lane: Estate) -> None:
    _first, kept = lane.rebuild()
    permit = lane.permit(DataSource.KEPT, kept=kept)
    token = lane.sign(permit)
    lane.done("begin", token)
    found = told(ask(lane, token))
    assert (found.data_source, found.kept) == (DataSource.KEPT, kept)


def test_existing_data_stays(lane: Estate) -> None:
    _permit, token = begun(lane, DataSource.EXISTING)
    found = told(ask(lane, token))
    assert found.obligations.same_database
    lane.materialise()
    refused(ask(lane, token), "readings_moved")


def test_nothing_may_come_before_a_begin(lane: Estate) -> None:
    token = lane.sign(lane.permit())
    refused(ask(lane, token), "permit_not_begun")
    refused(ask(lane), "permit_not_begun")


def test_nothing_may_come_when_it_is_over(lane: Estate) -> None:
    permit, token = begun(lane, DataSource.EMPTY)
    lane.materialise()
    # The remains of this very rebuild may be made again.
    told(ask(lane, token))
    lane.settle(permit)
    refused(ask(lane, token), "permit_not_begun")
    refused(ask(lane), "permit_not_begun")


def test_without_a_keep_the_permit_must_be_named(lane: Estate) -> None:
    assert ask(lane, LANE_AUTHORITY_KEEP=None).exit_code == 2


def test_another_lanes_environment_is_refused(lane: Estate) -> None:
    _permit, token = begun(lane, DataSource.EMPTY)
    refused(ask(lane, token, ODOO_DB_NAME="other"), "environment_other_database")


def test_a_server_that_does_not_answer_is_not_a_yes(lane: Estate) -> None:
    _permit, token = begun(lane, DataSource.EMPTY)
    assert ask(lane, token, ODOO_DB_PORT="1").exit_code == 51


def test_old_data_that_took_its_name_back_is_not_overwritten(lane: Estate) -> None:
    permit, token = begun(lane, DataSource.EMPTY)
    lane.execute(f"ALTER DATABASE {permit.kept_name} RENAME TO {lane.database}")
    refused(ask(lane, token), "readings_moved", "kept_changed")


def test_somebodys_data_under_the_name_is_not_overwritten(lane: Estate) -> None:
    _permit, token = begun(lane, DataSource.EMPTY)
    lane.create_database(lane.database, "somebody")
    # Without a tag it is what this rebuild left.
    told(ask(lane, token))
    oid = fingerprint.databases(lane.cluster)[lane.database].oid
    other = lane.lane.model_copy(update={"instance": "prod"})
    tag = EngineTag(lane=other, generation=1, database_oid=oid, state=TagState.LIVE)
    lane.execute(f"COMMENT ON DATABASE {lane.database} IS '{tag.text()}'")
    refused(ask(lane, token), "readings_moved")


def test_kept_data_must_be_there(lane: Estate) -> None:
    permit, token = begun(lane, DataSource.EMPTY)
    lane.execute(f"ALTER DATABASE {permit.kept_name} RENAME TO elsewhere")
    refused(ask(lane, token), "kept_changed")
    lane.execute(f"ALTER DATABASE elsewhere RENAME TO {permit.kept_name}")
    folder = lane.keep / "filestores" / permit.kept_name
    folder.rename(folder.with_name("elsewhere"))
    refused(ask(lane, token), "kept_changed")


def test_another_lanes_files_are_not_overwritten(lane: Estate) -> None:
    permit, token = begun(lane, DataSource.EMPTY)
    tag = lane.filestore / FILESTORE_TAG_NAME
    ours = tag.read_text()
    tag.write_text(ours.replace('"instance":"testing"', '"instance":"prod"'))
    refused(ask(lane, token), "filestore_foreign")
    tag.write_text(ours.replace(permit.permit_id, "f" * 32))
    refused(ask(lane, token), "filestore_stale")
    # An rsync with --delete has taken the tag away.
    tag.unlink()
    told(ask(lane, token))


def test_another_server_is_refused(lane: Estate) -> None:
    permit, token = begun(lane, DataSource.EMPTY)
    settings = settings_from_environment(lane.environment())
    seen = permit.observation.database.model_copy(update={"system_identifier": "1"})
    moved = permit.model_copy(
        update={"observation": permit.observation.model_copy(update={"database": seen})}
    )
    with pytest.raises(Refused) as caught:
        restore_source(settings, moved, token, offered_upstream({}))
    assert "readings_moved" in {each.code for each in caught.value.reasons}


def test_the_pages_example_in_a_script_of_its_own(from_upstream: Estate) -> None:
    page = (Path(__file__).parents[2] / "docs" / "guard.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    script = f"{example}\nprint(permitted_source().data_source)"
    ends = []
    for _attempt in range(2):
        ends.append(
            subprocess.run(
                [sys.executable, "-c", script],
                env={**from_upstream.environment(), **OFFERED},
                capture_output=True,
                text=True,
                check=False,
            )
        )
        if len(ends) == 1:
            begun(from_upstream, DataSource.UPSTREAM_RESTORE)
    assert ends[0].returncode == 50, ends[0].stderr
    assert "permit_not_begun" in ends[0].stdout
    assert ends[1].returncode == 0, ends[1].stdout + ends[1].stderr
    assert ends[1].stdout.strip() == "upstream_restore"


def test_scripts_have_one_call(from_upstream: Estate) -> None:
    permit, token = begun(from_upstream, DataSource.UPSTREAM_RESTORE)
    environment = {**from_upstream.environment(), **OFFERED}
    found = restore_source_here(environment=environment)
    assert (found.permit_id, found.upstream) == (permit.permit_id, UPSTREAM)
    assert restore_source_here(token, environment) == found
    with pytest.raises(Refused):
        restore_source_here(environment={**environment, "ODOO_UPSTREAM_HOST": "other.example"})
