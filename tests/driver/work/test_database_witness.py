"""The database by two roads: the guard's and the host's own, which must agree."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
import pytest

from launchplane_lane_contracts.reading import DatabaseReading
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.two_roads import differences
from launchplane_lane_driver.database_witness import ask_database, connection_text, reader
from launchplane_lane_driver.guard_client import show
from launchplane_lane_driver.lane_configuration import LaneConfiguration
from tests.driver.small_host import SmallHost, SmallLane, untouched
from tests.real.postgres import PrivateCluster, free_port

VARIABLE = "TEST_READER_PASSWORD"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[PrivateCluster]:
    """Another server."""
    with PrivateCluster() as cluster:
        yield cluster


def url(cluster: PrivateCluster, port: int | None = None) -> str:
    """The connection of a cluster's own role, without its password."""
    return f"postgresql://{cluster.odoo.name}@127.0.0.1:{port or cluster.port}"


def connected(lane: SmallLane, cluster: PrivateCluster, **more: object) -> LaneConfiguration:
    """The lane's configuration with such a connection."""
    return LaneConfiguration.model_validate(
        {
            "lane": lane.lane,
            "database": lane.database,
            "filestore_path": str(lane.filestore),
            "guard_command": (str(lane.guard),),
            "connection": url(cluster),
            "connection_timeout": 2.0,
            "password_variable": VARIABLE,
            **more,
        }
    )


def secret(cluster: PrivateCluster) -> Mapping[str, str]:
    """The environment that holds its password."""
    return {VARIABLE: cluster.odoo.password}


def configure(host: SmallHost, monkeypatch: pytest.MonkeyPatch, cluster: PrivateCluster) -> None:
    """Give every lane of the host a connection of its own to this server."""
    monkeypatch.setenv(VARIABLE, cluster.odoo.password)
    host.configure(connection=f'"{url(cluster)}"', password_variable=f'"{VARIABLE}"')


def test_both_roads_see_the_same_facts(lane: SmallLane) -> None:
    configuration = connected(lane, lane.cluster)
    own = ask_database(configuration, secret(lane.cluster))
    guard = show(configuration).database
    assert own is not None
    assert own.problem is None
    assert list(differences(guard, own)) == []
    assert own.entry == guard.entry
    assert own.marker_row == guard.marker_row is not None
    assert own.identity() == guard.identity()
    assert own.server is not None
    assert guard.server is not None
    assert own.server.model_copy(update={"now": guard.server.now}) == guard.server


def test_a_lane_without_a_connection_is_witnessed_by_the_guard_alone(
    host: SmallHost, lane: SmallLane
) -> None:
    assert ask_database(host.office.configuration(lane.lane)) is None
    assert host.plan(lane).decision.allowed


def test_a_rebuild_with_two_roads(
    host: SmallHost, lane: SmallLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(host, monkeypatch, lane.cluster)
    assert host.plan(lane).decision.allowed
    assert host.rebuild(lane).phase == "settled"


def test_a_connection_to_another_server_is_refused(
    host: SmallHost,
    lane: SmallLane,
    elsewhere: PrivateCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere.execute(f'CREATE DATABASE "{lane.database}" OID 987654')
    operation = host.authorize(lane)
    configure(host, monkeypatch, elsewhere)
    with untouched(lane):
        (found,) = [
            each
            for each in host.plan(lane).decision.reasons
            if each.code is ReasonCode.DATABASE_DISPUTED
        ]
        for command in (
            ("plan", str(lane.lane), "bootstrap/empty"),
            ("start", operation.operation_id),
        ):
            done = host.operate(*command, **secret(elsewhere))
            assert done.code == 50
            assert ReasonCode.DATABASE_DISPUTED in done.stdout + done.stderr
    for fact in ("cluster (guard: ", "oid (guard: ", "tag (guard: ", "marker table (guard: "):
        assert fact in found.message
    assert elsewhere.odoo.password not in found.message
    configure(host, monkeypatch, lane.cluster)
    done = host.operate("start", operation.operation_id, **secret(lane.cluster))
    assert done.code == 0, done.stderr


def test_a_guard_that_tells_of_another_marker_is_refused(
    host: SmallHost, lane: SmallLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(host, monkeypatch, lane.cluster)
    lane.guard_becomes(
        """exec "$GUARD" "$@" | sed 's/"rollout_state":"testing"/"rollout_state":"production"/g'"""
    )
    with untouched(lane):
        reasons = host.plan(lane).decision.reasons
    disputed = [each for each in reasons if each.code is ReasonCode.DATABASE_DISPUTED]
    assert "marker row (guard: " in disputed[0].message


@contextmanager
def something_else(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """What listens on a port and is no PostgreSQL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    opened, _address = listening.accept()
                    answer(opened)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def garbage(opened: socket.socket) -> None:
    """What no PostgreSQL says."""
    opened.recv(1000)
    opened.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    opened.close()


HELD: list[socket.socket] = []


def test_every_failure_is_a_value(lane: SmallLane) -> None:
    cluster = lane.cluster
    good = secret(cluster)

    def problem(configuration: LaneConfiguration, environment: Mapping[str, str] = good) -> str:
        found = ask_database(configuration, environment)
        assert isinstance(found, DatabaseReading)
        assert found.server is None
        assert found.problem
        assert cluster.odoo.password not in found.problem
        return found.problem

    assert "refused" in problem(connected(lane, cluster, connection=url(cluster, free_port())))
    assert "password" in problem(connected(lane, cluster), {VARIABLE: "wrong"})
    assert problem(connected(lane, cluster), {}) == f"the variable {VARIABLE} is not set"
    service = {"connection": "no-such-service", "password_variable": None}
    assert "service" in problem(connected(lane, cluster, **service))
    with something_else(garbage) as port:
        assert problem(connected(lane, cluster, connection=url(cluster, port)))
    with something_else(HELD.append) as port:
        assert "timeout" in problem(connected(lane, cluster, connection=url(cluster, port)))
    for command, words in (
        (("/nowhere/program",), "could not be started"),
        (("false",), "ended with code 1"),
        (("true",), "did not print one line"),
        (("printf", "a\nb\n"), "did not print one line"),
        (("printf", "\\377"), "did not print one line"),
        (("sleep", "30"), "did not answer in time"),
    ):
        by_command = {"password_variable": None, "password_command": command}
        assert words in problem(connected(lane, cluster, **by_command, connection_timeout=0.5))


def test_a_password_may_come_from_a_command(lane: SmallLane) -> None:
    by_command = {
        "password_variable": None,
        "password_command": ("printf", "%s\n", lane.cluster.odoo.password),
    }
    found = ask_database(connected(lane, lane.cluster, **by_command), {})
    assert found is not None
    assert found.problem is None


def test_the_hosts_own_connection_can_write_nothing(lane: SmallLane) -> None:
    text = connection_text(connected(lane, lane.cluster), secret(lane.cluster))
    with untouched(lane):
        for statement in ("CREATE TABLE public.x ()", "DELETE FROM public.res_partner"):
            with (
                reader(text, lane.database) as query,
                pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
            ):
                query(statement, ())


def test_a_statement_that_hangs_is_ended(lane: SmallLane) -> None:
    text = connection_text(
        connected(lane, lane.cluster, connection_timeout=0.2), secret(lane.cluster)
    )
    with reader(text, lane.database) as query, pytest.raises(psycopg.errors.QueryCanceled):
        query("SELECT pg_sleep(30)", ())
