"""A runtime that is silent, lies or answers nonsense: never believed, and never waited for long."""

import gzip
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

from launchplane_lane_contracts.reading import RuntimeIdentity, RuntimeReading
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, MarkerState, Operation
from launchplane_lane_driver import operations
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_guard.settings import settings_from_environment
from tests.driver.runtime_standin import read_runtime, send
from tests.driver.small_host import SmallHost, SmallLane, refused, untouched


def in_another_lane(reading: RuntimeReading) -> RuntimeReading:
    assert reading.runtime_identity is not None
    lane = reading.runtime_identity.lane.model_copy(update={"instance": "testing"})
    return reading.model_copy(update={"runtime_identity": RuntimeIdentity(lane=lane)})


def of_another_deployment(reading: RuntimeReading) -> RuntimeReading:
    assert reading.runtime_identity is not None
    own = reading.runtime_identity.model_copy(update={"deployment_record_id": "deployment-0002"})
    return reading.model_copy(update={"runtime_identity": own})


def on_another_database(reading: RuntimeReading) -> RuntimeReading:
    assert reading.identity is not None
    other = reading.identity.model_copy(update={"database_oid": 4711})
    return reading.model_copy(update={"identity": other})


def with_other_files(reading: RuntimeReading) -> RuntimeReading:
    return reading.model_copy(update={"filestore_path": "/srv/elsewhere"})


def without_an_identity(reading: RuntimeReading) -> RuntimeReading:
    return reading.model_copy(update={"runtime_identity": None})


def of_another_rule_book(reading: RuntimeReading) -> RuntimeReading:
    return reading.model_copy(update={"rulebook_version": 2})


LIES = {
    in_another_lane: ReasonCode.RUNTIME_OTHER_LANE,
    of_another_deployment: ReasonCode.RUNTIME_OTHER_DEPLOYMENT,
    on_another_database: ReasonCode.RUNTIME_OTHER_DATABASE,
    with_other_files: ReasonCode.FILESTORE_ELSEWHERE,
    without_an_identity: ReasonCode.RUNTIME_SILENT,
    of_another_rule_book: ReasonCode.RUNTIME_SILENT,
}


def redirecting(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "http://127.0.0.1:9/elsewhere")
    handler.end_headers()


def far_too_much(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(100 * 1024 * 1024))
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" " * 1024 * 1024)


def far_too_much_packed(handler: BaseHTTPRequestHandler) -> None:
    send_packed(handler, b" " * 100 * 1024 * 1024)


def send_packed(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """Nobody asked for that."""
    packed = gzip.compress(content)
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", str(len(packed)))
    handler.end_headers()
    handler.wfile.write(packed)


def badly_packed(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", "9")
    handler.end_headers()
    handler.wfile.write(b"not gzip!")


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b"{")


def wordless(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(4)


def drop_by_drop(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    for _ in range(20):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.3)


NONSENSE: tuple[Callable[[BaseHTTPRequestHandler], None], ...] = (
    redirecting,
    far_too_much,
    far_too_much_packed,
    badly_packed,
    cut_off,
    wordless,
    drop_by_drop,
    lambda handler: send(handler, b"<html>Odoo</html>"),
    lambda handler: send(handler, b"[" * 50_000),
    lambda handler: send(handler, b"{}", status=500),
    lambda handler: send(handler, b"\xff\xfe\x00"),
)


def test_every_lie_is_named_and_nothing_moves(host: SmallHost, lane: SmallLane) -> None:
    with untouched(lane):
        for lie, code in LIES.items():
            lane.runtime.lie = lie
            found = [each.code for each in host.plan(lane).decision.reasons]
            assert found == [code], lie.__name__
    lane.runtime.lie = None
    assert host.plan(lane).decision.allowed
    assert all(order is not None and order.lane == lane.lane for order in lane.runtime.questions)
    assert lane.runtime.questions[-1] is not None
    assert lane.runtime.questions[-1].expected_generation == 1


def test_nonsense_is_silence_and_is_not_waited_for(host: SmallHost, lane: SmallLane) -> None:
    host.configure(runtime_timeout="0.7")
    reading = read_runtime(settings_from_environment(lane.environment()))

    def true_and_packed(handler: BaseHTTPRequestHandler) -> None:
        send_packed(handler, reading.canonical())

    # What is unpacked may be a thousand times as long, so nothing is.
    for nonsense in (true_and_packed, *NONSENSE):
        lane.runtime.raw = nonsense
        started = time.monotonic()
        found = [each.code for each in host.plan(lane).decision.reasons]
        assert found == [ReasonCode.RUNTIME_SILENT], nonsense
        assert time.monotonic() - started < 4, nonsense


def test_a_runtime_that_begins_to_lie_stops_the_start(host: SmallHost, lane: SmallLane) -> None:
    operation = host.authorize(lane)
    lane.runtime.lie = on_another_database
    with untouched(lane), refused(ReasonCode.RUNTIME_OTHER_DATABASE):
        operations.start(host.office, operation.operation_id)
    assert host.phase(operation) == "authorized"


def test_a_silent_runtime_settles_later(host: SmallHost, lane: SmallLane) -> None:
    begun = host.begin(lane)
    lane.materialise()
    came = lane.data()
    lane.runtime.stop()
    with refused(ReasonCode.RUNTIME_NOT_ANSWERING):
        operations.finish(host.office, begun.operation_id, succeeded=True)
    lane.runtime.start()
    lane.runtime.lie = on_another_database
    with refused(ReasonCode.RUNTIME_NOT_ANSWERING):
        operations.finish(host.office, begun.operation_id, succeeded=True)
    assert host.phase(begun) == "materialised"
    assert lane_view(host.office, lane.lane).marker.value is MarkerState.PENDING
    lane.runtime.lie = None
    assert operations.finish(host.office, begun.operation_id, succeeded=True).phase == "settled"
    assert lane.data() == came


def test_an_attested_runtime_begins_and_does_not_settle_what_came(
    host: SmallHost, lane: SmallLane
) -> None:
    lane.runtime.stop()
    assert not host.plan(lane).decision.allowed
    begun = host.begin(lane, attest_runtime=True)
    lane.materialise()
    with refused(ReasonCode.RUNTIME_NOT_ANSWERING):
        operations.finish(host.office, begun.operation_id, succeeded=True)
    lane.runtime.start()
    operations.finish(host.office, begun.operation_id, succeeded=True)
    lane.runtime.stop()
    existing = (Operation.RECREATE, DataSource.EXISTING)
    stayed = host.begin(lane, *existing, attest_runtime=True)
    assert operations.finish(host.office, stayed.operation_id, succeeded=True).phase == "settled"


@pytest.mark.parametrize("configured", ["{path}/", "{parent}"])
def test_another_spelling_of_the_folder_is_no_dead_end(
    host: SmallHost, lane: SmallLane, configured: str
) -> None:
    path = configured.format(path=lane.filestore, parent=lane.filestore.parent)
    host.configure(filestore_path=f'"{path}"')
    assert host.rebuild(lane).phase == "settled"
