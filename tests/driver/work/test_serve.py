"""`serve`: read routes and the plan, over HTTP; whoever asks, nothing of a lane is changed."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import positive_data_acceptance
from werkzeug.test import Client

from launchplane_lane_contracts.contract import Person
from launchplane_lane_contracts.errors import BadInput, Busy, CouldNotTell, LaneAuthorityError
from launchplane_lane_contracts.read_model import LaneView
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_driver.descriptor import DRIVER_ID, descriptor
from launchplane_lane_driver.host import DriverHost
from launchplane_lane_driver.web.application import BASE, LONGEST_BODY, Application
from launchplane_lane_driver.web.tokens import Tokens, digest_of, new_token
from tests.driver.small_host import RITA, SmallHost, SmallLane, untouched
from tests.typed_pages import fenced

TOKEN, _LINE = new_token(RITA)
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def application(host: SmallHost, lane: SmallLane) -> Application:
    """What is served of a host with one lane, to Rita, as the page's own lines make it."""
    (host.directory / "http-tokens").write_text(f"{digest_of(TOKEN)} {RITA}\n")
    (example,) = fenced("serving.md", "python")
    named: dict[str, Any] = {}
    exec(compile(example, "serving.md", "exec"), named)  # noqa: S102 - our own document
    made: Application = named["application"](host.directory)
    return made


@pytest.fixture
def client(application: Application) -> Client:
    return Client(application)


def question(lane: SmallLane, **changed: object) -> dict[str, object]:
    return {
        "lane": lane.lane.to_plain(),
        "operation": "bootstrap",
        "data_source": "empty",
        **changed,
    }


def test_lanes_and_one_lane_with_its_actions(
    host: SmallHost, lane: SmallLane, client: Client
) -> None:
    with untouched(lane):
        (one,) = client.get(f"{BASE}/lane-views", headers=BEARER).json["views"]  # type: ignore[index]
        assert LaneView.from_plain(one).lane == lane.lane
        path = f"{BASE}/lane-view?lane={lane.lane}"
        answer: dict[str, Any] = client.get(path, headers=BEARER).json  # type: ignore[assignment]
    assert LaneView.from_plain(answer["views"][-1]).lane == lane.lane
    actions = {each["action_id"]: each for each in answer["actions"]}
    assert set(actions) == {each.action_id for each in descriptor().actions}
    assert actions["authorize_rebuild"]["enabled"]
    assert not actions["undo_rebuild"]["enabled"]
    (why,) = actions["undo_rebuild"]["disabled_reasons"]
    assert why["code"] == ReasonCode.NO_OPERATION_AUTHORIZED
    held = host.authorize(lane)
    answer = client.get(path, headers=BEARER).json  # type: ignore[assignment]
    actions = {each["action_id"]: each for each in answer["actions"]}
    assert actions["undo_rebuild"]["enabled"]
    (why,) = actions["authorize_rebuild"]["disabled_reasons"]
    assert held.operation_id in why["message"]
    assert "lane-authority start" in why["remedy"]


def test_a_lane_that_nothing_is_allowed_on_says_why_once(host: SmallHost, client: Client) -> None:
    bare = host.add_lane("opw")
    answer: dict[str, Any] = client.get(  # type: ignore[assignment]
        f"{BASE}/lane-view?lane={bare.lane}", headers=BEARER
    ).json
    actions = {each["action_id"]: each for each in answer["actions"]}
    reasons = [each["code"] for each in actions["authorize_rebuild"]["disabled_reasons"]]
    assert ReasonCode.POLICY_UNKNOWN in reasons
    assert len(reasons) == len(set(reasons))


def test_a_plan_is_that_of_the_tokens_person(
    host: SmallHost, lane: SmallLane, client: Client
) -> None:
    with untouched(lane):
        answer = client.post(f"{BASE}/review-rebuild", json=question(lane), headers=BEARER)
    assert answer.status_code == 200
    plan: dict[str, Any] = answer.json  # type: ignore[assignment]
    assert plan["allowed"]
    assert plan["plan"]["target"]["request"]["requester"] == RITA
    # People sign it and it is authorized as any other.
    assert host.operate("authorize", plan["plan_digest"]).code == 0
    refused = client.post(f"{BASE}/review-rebuild", json=question(lane), headers=BEARER)
    assert refused.status_code == 200
    assert not refused.json["allowed"]  # type: ignore[index]


def test_without_a_token_nothing_is_told(lane: SmallLane, client: Client) -> None:
    for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        for path in (BASE, f"{BASE}/lane-views", f"{BASE}/lane-view?lane={lane.lane}"):
            answer = client.get(path, headers=header)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert str(lane.lane) not in answer.text
        assert client.post(f"{BASE}/review-rebuild", json={}, headers=header).status_code == 401
    assert client.get("/v1/health").json == {"status": "ok"}
    assert client.get("/v1/openapi.json").status_code == 200


def test_what_changes_something_is_not_served(lane: SmallLane, client: Client) -> None:
    served = set(client.get("/v1/openapi.json").json["paths"])  # type: ignore[index]
    with untouched(lane):
        for action in descriptor().actions:
            if action.route_path in served:
                continue
            answer = client.open(action.route_path, method=action.method, headers=BEARER)
            assert answer.status_code == 403, action
    assert served - {"/v1/health", "/v1/openapi.json", BASE} == {
        descriptor().action(each).route_path
        for each in ("lane_view", "lane_views", "review_rebuild")
    }
    assert f"/v1/drivers/{DRIVER_ID}" == BASE


def test_what_makes_no_sense_is_told(host: SmallHost, lane: SmallLane, client: Client) -> None:
    def plan(data: bytes, **more: str) -> int:
        content = more.get("mimetype", "application/json")
        path = f"{BASE}/review-rebuild"
        return client.post(path, data=data, content_type=content, headers=BEARER).status_code

    def asked(**changed: object) -> bytes:
        return json.dumps(question(lane, **changed)).encode()

    assert plan(b"{") == 400
    assert plan(b"\xff") == 400
    assert plan(asked(requester="ann")) == 400
    assert plan(asked(data_source="kept")) == 400
    assert plan(asked(reason="\ud800")) == 400
    elsewhere = {**question(lane), "lane": {"product": "a", "context": "b", "instance": "c"}}
    assert plan(json.dumps(elsewhere).encode()) == 404
    assert plan(asked(), mimetype="text/plain") == 415
    assert plan(b" " * (LONGEST_BODY + 1)) == 413
    assert client.get(f"{BASE}/lane-view?lane=cm", headers=BEARER).status_code == 400
    assert client.get(f"{BASE}/lane-view?lane=a/b/c", headers=BEARER).status_code == 404
    assert client.get("/v1/nothing", headers=BEARER).status_code == 404
    answer = client.delete(f"{BASE}/lane-views", headers=BEARER)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_what_could_not_be_answered(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for raised, status in (
        (BadInput("x"), 400),
        (Busy("x"), 423),
        (CouldNotTell("x"), 503),
        (LaneAuthorityError("x"), 503),
        (RuntimeError("a secret"), 500),
    ):

        def fails(_self: DriverHost, _directory: str, raised: Exception = raised) -> None:
            raise raised

        monkeypatch.setattr(DriverHost, "lane_views", fails)
        answer = client.get(f"{BASE}/lane-views", headers=BEARER)
        assert answer.status_code == status
        assert "secret" not in answer.text


def test_no_request_that_the_document_allows_or_not_ends_in_a_5xx(
    lane: SmallLane, application: Application
) -> None:
    schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", application)
    statuses: dict[str, set[int]] = {}
    operations: list[Any] = [each.ok() for each in schema.get_all_operations()]  # type: ignore[union-attr]
    strategies = [
        (each.as_strategy(generation_mode=mode), each.label)
        for mode in schemathesis.GenerationMode
        for each in operations
    ]

    def ask(case: Any, label: str) -> None:
        answer = case.call(headers=BEARER)
        # What a rule between fields refuses, a schema cannot say.
        case.validate_response(answer, headers=BEARER, excluded_checks=[positive_data_acceptance])
        statuses.setdefault(label, set()).add(answer.status_code)

    with untouched(lane):
        for strategy, label in strategies:
            run(strategy, partial(ask, label=label))
    assert {label.split(BASE)[-1] for label in statuses if BASE in label} == {
        "",
        "/lane-view",
        "/lane-views",
        "/review-rebuild",
    }
    assert not [each for found in statuses.values() for each in found if each >= 500]
    assert statuses[f"POST {BASE}/review-rebuild"] >= {400}


def run(strategy: Any, ask: Callable[[Any], None]) -> None:
    """Ask for what a strategy finds, the same each time."""

    @settings(
        max_examples=12,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def each(case: Any) -> None:
        ask(case)

    # Where a route takes nothing, nothing wrong can be sent.
    with suppress(Unsatisfiable):
        each()


@pytest.fixture
def served(host: SmallHost, lane: SmallLane) -> Iterator[str]:
    """The address at which the command serves."""
    (host.directory / "http-tokens").write_text(f"# people\n{digest_of(TOKEN)} rita  # hers\n")
    program = [sys.executable, "-m", "launchplane_lane_driver.command_line"]
    command = [*program, "--host-directory", str(host.directory), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        yield line.split()[2]
        child.terminate()


def test_the_command_serves_on_loopback(served: str, lane: SmallLane) -> None:
    assert served.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(served) as answer:
        assert json.load(answer)["openapi"] == "3.1.0"
    address = served.replace("/v1/openapi.json", f"{BASE}/lane-view?lane={lane.lane}")
    with urllib.request.urlopen(urllib.request.Request(address, headers=BEARER)) as answer:
        assert json.load(answer)["views"][0]["lane"] == lane.lane.to_plain()


def test_a_token_is_printed_once_and_only_its_digest_is_kept(host: SmallHost) -> None:
    made = host.operate("serve", "--new-token", "ann")
    token, line = made.stdout.strip(), made.stderr.strip().splitlines()[-1]
    assert made.code == 0
    assert token not in line
    file = host.directory / "http-tokens"
    file.write_text(line)
    assert Tokens.from_file(file).person(f"bearer {token}") == Person("ann")
    file.write_text("odd\n" + "a" * 64 + "\n")
    bad = host.operate("serve")
    assert bad.code == 2
    assert "line 1" in bad.stderr
    assert "line 2" in bad.stderr
    file.write_bytes(b"\xff")
    assert host.operate("serve").code == 2
    file.unlink()
    assert host.operate("serve").code == 51
