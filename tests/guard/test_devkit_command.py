"""Which commands and settings say what a permit says. Nothing is run here."""

from collections.abc import Mapping, Sequence

import pytest

from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_guard.devkit import command_differs, script_and_flags
from tests.contracts.cases import allowed_case
from tests.contracts.readings import a_permit

SCRIPT = "/volumes/scripts/run_odoo_data_workflows.py"
SOURCES = {
    DataSource.EXISTING: Operation.RECREATE,
    DataSource.EMPTY: Operation.RECREATE,
    DataSource.UPSTREAM_RESTORE: Operation.RESTORE,
    DataSource.BACKUP_RESTORE: Operation.RESTORE,
    DataSource.KEPT: Operation.RESTORE,
}
RIGHT: dict[DataSource, list[list[str]]] = {
    DataSource.EXISTING: [["--update-only"], ["--post-deploy-maintenance"]],
    DataSource.EMPTY: [["--bootstrap"], ["--bootstrap", "--no-sanitize"]],
    DataSource.UPSTREAM_RESTORE: [[]],
    DataSource.BACKUP_RESTORE: [],
    DataSource.KEPT: [["--update-only"], ["--post-deploy-maintenance"]],
}
FLAGS = [
    [],
    ["--bootstrap"],
    ["--update-only"],
    ["--post-deploy-maintenance"],
    ["--bootstrap", "--update-only"],
    ["--update-only", "--post-deploy-maintenance"],
    ["--bootstrap", "--no-sanitize"],
    ["--no-sanitize"],
]
"""Every mode, alone and with another, and what leaves data as it came."""
ENVIRONMENT = {
    "ODOO_DB_NAME": "cm",
    "ODOO_DB_PORT": "5432",
    "ODOO_FILESTORE_PATH": "/volumes/data/filestore",
}


def permit_for(source: DataSource) -> Permit:
    case = allowed_case(SOURCES[source], source)
    decision = case.decide()
    assert decision.obligations is not None
    return a_permit().model_copy(
        update={
            "request": case.request,
            "policy": case.policy,
            "observation": case.observation,
            "obligations": decision.obligations,
        }
    )


def differences(
    source: DataSource, flags: Sequence[str], environment: Mapping[str, str] = ENVIRONMENT
) -> list[str]:
    """Everything that was told, each with the one code."""
    command = ["python3", "-u", SCRIPT, *flags]
    found = command_differs(permit_for(source), command, environment)
    assert {each.code for each in found} <= {"command_differs"}
    return [each.message for each in found]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_only_the_flags_of_the_source_are_right(source: DataSource, flags: list[str]) -> None:
    assert (differences(source, flags) == []) is (flags in RIGHT[source])


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "extra", ["--boot", "--env-file=/tmp/other", "--force", "-c", "cm", "--bootstrap=1", "--"]
)
def test_what_the_guard_does_not_know_is_refused(source: DataSource, extra: str) -> None:
    for flags in RIGHT[source]:
        assert differences(source, [*flags, extra])


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        ([SCRIPT, "--bootstrap"], ["--bootstrap"]),
        (["python3", SCRIPT], []),
        (["/usr/bin/python3.13", "-u", "-I", SCRIPT, "--update-only"], ["--update-only"]),
    ],
)
def test_what_the_script_is_given(command: list[str], flags: list[str]) -> None:
    assert script_and_flags(command) == (SCRIPT, flags)


@pytest.mark.parametrize(
    "command",
    [
        ["python3", "-c", "--bootstrap"],
        ["python3", "-m", "--bootstrap"],
        ["python3"],
        ["python3", "-u"],
        ["sh"],
        ["sh", "-c", f"{SCRIPT} --bootstrap"],
        ["env", "BOOTSTRAP=1", SCRIPT],
        ["docker", "exec", "other", SCRIPT],
    ],
)
def test_a_command_that_is_no_script_is_refused(command: list[str]) -> None:
    for source in SOURCES:
        assert command_differs(permit_for(source), command, ENVIRONMENT)


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        (DataSource.UPSTREAM_RESTORE, {"BOOTSTRAP": "1"}),
        (DataSource.EXISTING, {"BOOTSTRAP": "true"}),
        (DataSource.UPSTREAM_RESTORE, {"NO_SANITIZE": "yes"}),
        (DataSource.EMPTY, {"odoo_db_name": "other"}),
        (DataSource.EMPTY, {"Odoo_Filestore_Path": "/other"}),
        (DataSource.UPSTREAM_RESTORE, {"odoo_upstream_host": "other"}),
        (DataSource.UPSTREAM_RESTORE, {"bootstrap": "0"}),
        (DataSource.EMPTY, {"PGPORT": "5433"}),
        (DataSource.EMPTY, {"ODOO_FILESTORE_PATH": "/volumes/$CONTEXT"}),
        (DataSource.EMPTY, {"ODOO_FILESTORE_PATH": "/volumes/data "}),
        (DataSource.EMPTY, {"ODOO_FILESTORE_PATH": "/volumes/'data'"}),
    ],
)
def test_a_variable_that_means_something_else_is_refused(
    source: DataSource, changed: dict[str, str]
) -> None:
    flags = RIGHT[source][0]
    assert differences(source, flags) == []
    assert len(differences(source, flags, {**ENVIRONMENT, **changed})) == 1


@pytest.mark.parametrize(
    "changed",
    [{"BOOTSTRAP": "0"}, {"BOOTSTRAP": ""}, {"NO_SANITIZE": "False"}, {"PGPORT": "5432"}],
)
def test_a_variable_that_means_nothing_is_no_difference(changed: dict[str, str]) -> None:
    assert differences(DataSource.UPSTREAM_RESTORE, [], {**ENVIRONMENT, **changed}) == []


def test_all_that_differs_is_told() -> None:
    found = differences(
        DataSource.UPSTREAM_RESTORE,
        ["--bootstrap", "--no-sanitize", "--what"],
        {**ENVIRONMENT, "BOOTSTRAP": "1", "PGPORT": "1"},
    )
    assert len(found) == 5
