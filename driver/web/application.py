"""The WSGI application: four routes of the descriptor's, the document, and whether it runs."""

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request as WebRequest
from werkzeug.wrappers import Response

from launchplane_lane_contracts.contract import Contract, Person
from launchplane_lane_contracts.errors import (
    BadInput,
    Busy,
    CouldNotTell,
    LaneAuthorityError,
    Refused,
)
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.request import Request

from ..descriptor import DRIVER_ID, descriptor
from ..host import DriverHost
from ..host_directory import HostDirectory
from ..lane_actions import lane_actions
from .openapi import openapi_document
from .shapes import LaneAnswer, LanesAnswer, PlanAnswer, PlanQuestion, Problem
from .tokens import Tokens

BASE = f"/v1/drivers/{DRIVER_ID}"
LONGEST_BODY = 65_536
"""Bytes of a question."""
JSON = "application/json"
WITHOUT_TOKEN = frozenset({"health", "openapi"})
STATUS: dict[type[LaneAuthorityError], int] = {
    BadInput: 400,
    Refused: 409,
    Busy: 423,
    CouldNotTell: 503,
}
_LOG = logging.getLogger("launchplane_lane_driver")

Start = Callable[..., Any]


class Application:
    """What is served of one host directory. It reads and plans; it changes no lane."""

    def __init__(self, host: HostDirectory, drivers: DriverHost, tokens: Tokens) -> None:
        self._host, self._drivers, self._tokens = host, drivers, tokens
        self._directory = str(host.path)
        self._document = openapi_document(BASE)
        self._routes = Map(
            [
                Rule("/v1/health", endpoint="health", methods=["GET"]),
                Rule("/v1/openapi.json", endpoint="openapi", methods=["GET"]),
                Rule(BASE, endpoint="descriptor", methods=["GET"]),
                Rule(f"{BASE}/lane-views", endpoint="lane_views", methods=["GET"]),
                Rule(f"{BASE}/lane-view", endpoint="lane_view", methods=["GET"]),
                Rule(f"{BASE}/review-rebuild", endpoint="review_rebuild", methods=["POST"]),
            ],
            strict_slashes=False,
            merge_slashes=False,
        )

    def __call__(self, environment: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer one request, as WSGI has it."""
        return self._answer(WebRequest(environment))(environment, start)

    def _answer(self, request: WebRequest) -> Response:
        request.max_content_length = LONGEST_BODY
        try:
            adapter = self._routes.bind_to_environ(request.environ)
            try:
                endpoint, _values = adapter.match()
            except (NotFound, MethodNotAllowed) as no:
                return _no_route(request, no)
            if endpoint in WITHOUT_TOKEN:
                plain = {"status": "ok"} if endpoint == "health" else self._document
                return _json(200, plain)
            person = self._tokens.person(request.headers.get("Authorization", ""))
            if person is None:
                answer = _problem(401, "Give a bearer token; `lane-authority serve --new-token`.")
                answer.headers["WWW-Authenticate"] = "Bearer"
                return answer
            return self._asked(endpoint, request, person)
        except LaneAuthorityError as problem:
            status = next((each for kind, each in STATUS.items() if isinstance(problem, kind)), 503)
            return _json(status, Problem(error=problem.message, reasons=problem.reasons).to_plain())
        except HTTPException as problem:
            return _problem(problem.code or 400, problem.description or problem.name)
        except Exception:
            # Whatever it was, the one who asks is told no secret; it stands in the log.
            _LOG.exception("a request over HTTP could not be answered")
            return _problem(500, "It could not be answered; the host's log says why.")

    def _asked(self, endpoint: str, request: WebRequest, person: Person) -> Response:
        if endpoint == "descriptor":
            return _json(200, descriptor().to_plain())
        if endpoint == "lane_views":
            return _of(LanesAnswer(views=self._drivers.lane_views(self._directory)))
        if endpoint == "lane_view":
            return self._lane_view(request)
        return self._plan(request, person)

    def _lane_view(self, request: WebRequest) -> Response:
        text = request.args.get("lane", "")
        try:
            lane = Lane.parse(text)
        except ValueError:
            return _problem(400, "Name one lane: ?lane=product/context/instance.")
        if lane not in self._host.lanes():
            return _problem(404, f"Lane {lane} is not configured on this host.")
        views = self._drivers.lane_view(self._directory, lane)
        return _of(LaneAnswer(views=views, actions=lane_actions(views[-1])))

    def _plan(self, request: WebRequest, person: Person) -> Response:
        if request.mimetype != JSON:
            return _problem(415, f"Send {JSON}.")
        try:
            asked = PlanQuestion.from_json(request.get_data())
            wanted = Request(requester=person, **dict(asked))
        except (ValidationError, UnicodeError) as problem:
            return _problem(400, _mistakes(problem))
        if wanted.lane not in self._host.lanes():
            return _problem(404, f"Lane {wanted.lane} is not configured on this host.")
        made = self._drivers.review(self._directory, wanted)
        return _of(
            PlanAnswer(plan_digest=made.plan_digest, allowed=made.decision.allowed, plan=made)
        )


def _no_route(request: WebRequest, no: NotFound | MethodNotAllowed) -> Response:
    if isinstance(no, MethodNotAllowed):
        answer = _problem(405, f"{request.method} is nothing that can be asked here.")
        answer.headers["Allow"] = ", ".join(sorted(no.valid_methods or ()))
        return answer
    named = {each.route_path for each in descriptor().actions}
    if request.path in named:
        return _problem(
            403,
            "This action changes something, and is not served over HTTP. The host application "
            "asks for it through its hooks, people through `lane-authority`.",
        )
    return _problem(404, "There is nothing of that name.")


def _mistakes(problem: ValidationError | UnicodeError) -> str:
    """Every mistake with its place, and without the values, which may be anything."""
    if isinstance(problem, UnicodeError):
        return "That is not UTF-8."
    faults = problem.errors(include_url=False, include_input=False, include_context=False)
    return "That is not a request: " + "; ".join(
        ": ".join(part for part in (".".join(map(str, each["loc"])), each["msg"]) if part)
        for each in faults
    )


def _of(answer: Contract) -> Response:
    return _json(200, answer.to_plain())


def _problem(status: int, words: str) -> Response:
    return _json(status, Problem(error=words).to_plain())


def _json(status: int, plain: object) -> Response:
    answer = Response(json.dumps(plain, ensure_ascii=False), status=status, mimetype=JSON)
    # What lanes are is nobody's but the one's who asked.
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
