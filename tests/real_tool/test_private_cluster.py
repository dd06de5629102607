"""Private clusters are private: their own, deaf to the caller's settings, gone afterwards."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real import PrivateCluster, RealPartMissing
from tests.real.guardian import processes_in

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 20.0

STAYS_UP = """
import signal
from tests.real import PrivateCluster

cluster = PrivateCluster().__enter__()
print(cluster.directory, cluster.port, flush=True)
signal.pause()
"""


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.05)
    return False


def test_starts_answers_and_leaves_nothing() -> None:
    with PrivateCluster() as cluster:
        directory, data_directory, port = (
            cluster.directory,
            cluster.data_directory,
            cluster.port,
        )
        assert cluster.execute("SELECT 1") == [(1,)]
        assert cluster.execute("SHOW server_version_num")[0][0] is not None
        assert processes_in(data_directory)
    assert not directory.exists()
    assert not listens(port)
    assert not processes_in(data_directory)


def test_owner_of_lanes_is_no_superuser_unless_asked() -> None:
    question = "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = 'odoo'"
    with PrivateCluster() as plain, PrivateCluster(superuser_odoo=True) as generous:
        assert plain.execute(question) == [(False, True)]
        assert generous.execute(question) == [(True, True)]


def test_two_clusters_are_two_systems() -> None:
    with PrivateCluster() as one, PrivateCluster() as other:
        assert one.system_identifier != other.system_identifier
        assert one.port != other.port
        for cluster in (one, other):
            rows = cluster.execute("SELECT system_identifier FROM pg_control_system()")
            assert str(rows[0][0]) == cluster.system_identifier


def test_variables_of_the_caller_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    garbage = {
        "PGHOST": "somebodys-production.invalid",
        "PGPORT": "1",
        "PGUSER": "nobody-at-all",
        "PGDATABASE": "precious",
        "PGSERVICE": "no-such-service",
        "PGOPTIONS": "-c no_such_setting=1",
        "PGDATA": "/nonexistent",
    }
    for name, value in garbage.items():
        monkeypatch.setenv(name, value)
    with PrivateCluster() as cluster:
        assert cluster.execute("SELECT current_database()") == [("postgres",)]
        environment = cluster.environment()
        assert "PGSERVICE" not in environment
        assert "PGOPTIONS" not in environment
        printed = subprocess.run(
            ["psql", "-Atc", "SELECT current_user, inet_server_port()"],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        assert printed.stdout.strip() == f"odoo|{cluster.port}"


def test_wrong_password_is_refused() -> None:
    import psycopg2

    with PrivateCluster() as cluster, pytest.raises(psycopg2.OperationalError, match="password"):
        cluster.connect(user="odoo", password="wrong")


def test_committed_rows_survive_a_crash() -> None:
    with PrivateCluster() as cluster:
        cluster.execute("CREATE TABLE kept AS SELECT generate_series(1, 100) AS number")
        port = cluster.port
        cluster.crash()
        assert not cluster.running
        assert not listens(port)
        cluster.start()
        assert cluster.port == port
        assert cluster.execute("SELECT count(*) FROM kept") == [(100,)]
        assert "automatic recovery" in cluster.log.read_text()


def test_orderly_stop_and_start() -> None:
    with PrivateCluster() as cluster:
        identifier = cluster.system_identifier
        cluster.stop()
        cluster.start()
        assert cluster.system_identifier == identifier
        assert "automatic recovery" not in cluster.log.read_text()


def test_durable_cluster_writes_through() -> None:
    with PrivateCluster(durable=True, settings={"work_mem": "8MB"}) as cluster:
        assert cluster.execute("SHOW fsync") == [("on",)]
        assert cluster.execute("SHOW full_page_writes") == [("on",)]
        assert cluster.execute("SHOW work_mem") == [("8MB",)]
        assert cluster.execute("SHOW max_prepared_transactions") == [("5",)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_parent_leaves_no_server(how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STAYS_UP],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        directory_text, port_text = parent.stdout.readline().split()
        directory, port = Path(directory_text), int(port_text)
        assert listens(port)
        parent.send_signal(how)
        parent.wait()
    assert wait_until(lambda: not listens(port) and not directory.exists())
    assert wait_until(lambda: not processes_in(directory / "data"))


def test_an_error_inside_takes_the_server_down() -> None:
    with pytest.raises(ZeroDivisionError), PrivateCluster() as cluster:
        directory = cluster.directory
        _ = 1 / 0
    assert not directory.exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("not yours")
    with pytest.raises(RealPartMissing, match="is not empty"), PrivateCluster(tmp_path):
        pass
    assert precious.read_text() == "not yours"


def test_a_version_that_nobody_has_is_named_with_those_to_be_had() -> None:
    with pytest.raises(RealPartMissing, match=r"PostgreSQL 7 is neither .*\n.*16.*18"):
        PrivateCluster(version="7")


@pytest.mark.slow
@pytest.mark.parametrize("version", ["16", "18"])
def test_other_major_versions_come_from_the_wheel(version: str) -> None:
    with PrivateCluster(version=version) as cluster:
        (row,) = cluster.execute("SHOW server_version")
        assert str(row[0]).startswith(f"{version}.")
        environment = cluster.environment()
        printed = subprocess.run(
            ["pg_dump", "--version"], env=environment, check=True, capture_output=True, text=True
        )
        assert f" {version}." in printed.stdout
        cluster.crash()
        cluster.start()
        assert cluster.execute("SELECT 1") == [(1,)]
