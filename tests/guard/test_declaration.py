"""What the image declares: shown, carried, compared; without it nothing is restored."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.policy import UpstreamSource
from launchplane_lane_contracts.reading import DeclarationReading
from launchplane_lane_contracts.vocabulary import DataSource
from tests.declarations import declaration_text
from tests.guard.child import Answer
from tests.guard.estate import Estate, refused

VARIABLE = "LANE_AUTHORITY_TENANT_DECLARATION"
OLD_SERVER = UpstreamSource(
    name="the old server",
    host="old.example",
    database=DatabaseName("production"),
    filestore_path=FilestorePath("/srv/odoo/filestore"),
)
OFFERED = {
    "ODOO_UPSTREAM_HOST": "old.example",
    "ODOO_UPSTREAM_DB_NAME": "production",
    "ODOO_UPSTREAM_FILESTORE_PATH": "/srv/odoo/filestore",
}


@pytest.fixture
def opw(lane: Estate) -> Estate:
    """A lane that may be restored from its old server, and whose image says so."""
    lane.upstream = OLD_SERVER
    return lane


def declared(lane: Estate, file: Path | None) -> DeclarationReading:
    """What `show` says of this file."""
    answer = lane.run("show", "", **{VARIABLE: str(file) if file else None})
    assert answer.receipt is not None
    assert answer.receipt.reading is not None
    assert answer.receipt.reading.declaration is not None
    return answer.receipt.reading.declaration


@contextmanager
def untouched(lane: Estate) -> Iterator[None]:
    """Neither rows nor files nor databases are others afterwards."""
    before = lane.everything()
    yield
    assert lane.everything() == before


def begin(lane: Estate, token: str, file: Path | None) -> Answer:
    return lane.run("begin", token, **{VARIABLE: str(file) if file else None})


def test_show_says_what_is_declared(opw: Estate) -> None:
    file = opw.folder / "declaration.toml"
    file.write_text(declaration_text(opw.lane, OLD_SERVER))
    found = declared(opw, file)
    assert found == DeclarationReading(path=FilestorePath(str(file)), upstream_source=OLD_SERVER)


def test_show_says_why_nothing_is_declared(opw: Estate) -> None:
    file = opw.folder / "other.toml"
    assert VARIABLE in (declared(opw, None).problem or "")
    assert "cannot be read" in (declared(opw, file).problem or "")
    file.write_text(declaration_text(opw.lane))
    assert "declares none" in (declared(opw, file).problem or "")
    other = opw.lane.model_copy(update={"context": "elsewhere"})
    file.write_text(declaration_text(other, OLD_SERVER))
    assert "does not name lane" in (declared(opw, file).problem or "")
    file.write_text(declaration_text(opw.lane, OLD_SERVER).replace("host =", "hots ="))
    problem = declared(opw, file).problem or ""
    assert "line 6" in problem
    assert "is host meant?" in problem
    file.write_bytes(b"#" * 1_000_001)
    assert "longer than" in (declared(opw, file).problem or "")
    nameless: dict[str, str | None] = {
        VARIABLE: str(file),
        "LAUNCHPLANE_RUNTIME_IDENTITY_JSON": None,
    }
    answer = opw.run("show", "", **nameless)
    assert answer.receipt is not None
    assert answer.receipt.reading is not None
    assert answer.receipt.reading.declaration is not None
    assert answer.receipt.reading.declaration.problem == "the environment names no lane"
    assert opw.run("show", "", **{VARIABLE: "not/absolute"}).exit_code == 2


def test_an_image_without_the_declaration_begins_no_restore(opw: Estate) -> None:
    token = opw.sign(opw.permit(DataSource.UPSTREAM_RESTORE))
    wrong = opw.folder / "wrong.toml"
    wrong.write_text(
        declaration_text(opw.lane, OLD_SERVER.model_copy(update={"host": "new.example"}))
    )
    with untouched(opw):
        answer = begin(opw, token, None)
        refused(answer, "source_undeclared")
        assert VARIABLE in answer.words
        refused(begin(opw, token, wrong), "source_disagrees")
    # The same permit, in an image that has it.
    opw.done("begin", token)


def test_what_the_permit_carries_must_be_declared_here_as_well(opw: Estate) -> None:
    permit = opw.permit(DataSource.UPSTREAM_RESTORE)
    assert permit.observation.incoming.declared_upstream == OLD_SERVER
    incoming = permit.observation.incoming.model_copy(
        update={"declared_upstream": OLD_SERVER.model_copy(update={"name": "another"})}
    )
    observation = permit.observation.model_copy(update={"incoming": incoming})
    carried = permit.model_copy(update={"observation": observation})
    with untouched(opw):
        answer = opw.run("begin", opw.sign(carried))
    refused(answer, "source_disagrees")


def test_other_sources_need_no_declaration(opw: Estate) -> None:
    token = opw.sign(opw.permit(DataSource.EMPTY))
    assert begin(opw, token, None).exit_code == 0


def test_an_image_that_lost_its_declaration_restores_nothing(opw: Estate) -> None:
    token = opw.sign(opw.permit(DataSource.UPSTREAM_RESTORE))
    opw.done("begin", token)
    arguments = ["restore-source", "--permit", "-"]
    answer = opw.start_with(arguments, token, **{**OFFERED, VARIABLE: None}).wait()
    refused(answer, "source_undeclared")
    assert opw.start_with(arguments, token, **OFFERED).wait().exit_code == 0
