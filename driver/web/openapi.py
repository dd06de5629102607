"""The OpenAPI document of what is served: paths of the descriptor, shapes of the contracts."""

from typing import Any

from pydantic.json_schema import models_json_schema

from launchplane_lane_contracts.descriptor import DriverAction, DriverDescriptor
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.read_model import LaneView
from launchplane_lane_contracts.reasons import Reason

from .. import __version__
from .shapes import LaneAnswer, LanesAnswer, PlanAnswer, PlanQuestion, Problem

REFERENCE = "#/components/schemas/{model}"
MODELS = (
    DriverAction,
    DriverDescriptor,
    LaneAnswer,
    LaneView,
    LanesAnswer,
    Plan,
    PlanAnswer,
    PlanQuestion,
    Problem,
    Reason,
)
LANE = {
    "name": "lane",
    "in": "query",
    "required": True,
    "description": "The lane, as product/context/instance.",
    "schema": {
        "type": "string",
        "pattern": "^[a-z0-9][a-z0-9._-]{0,62}(/[a-z0-9][a-z0-9._-]{0,62}){2}$",
    },
}
PROBLEMS = {
    "400": "What was asked makes no sense.",
    "401": "There is no bearer token that counts.",
    "404": "There is no such lane here.",
    "409": "A driver refuses, with all its reasons.",
    "413": "It is too long.",
    "415": "It is not JSON.",
    "423": "Somebody else is at it.",
    "503": "Something that had to be known could not be known.",
}


def openapi_document(base: str) -> dict[str, Any]:
    """The document; `base` is what every route but two begins with."""
    _, schemas = models_json_schema(
        [(each, "serialization") for each in MODELS], ref_template=REFERENCE
    )
    components = schemas["$defs"]
    _, asked = models_json_schema([(PlanQuestion, "validation")], ref_template=REFERENCE)
    # What is sent may leave out what has a default; what is answered has it all.
    components["PlanQuestion"] = asked["$defs"]["PlanQuestion"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Odoo lane authority",
            "version": __version__,
            "description": "What each lane is, and what a rebuild would do. Nothing here changes "
            "a lane.",
        },
        "security": [{"token": []}],
        "paths": {
            "/v1/health": {"get": _operation("health", "Whether it runs.", None, (), security=[])},
            "/v1/openapi.json": {
                "get": _operation("openapi", "This document.", None, (), security=[])
            },
            base: {"get": _operation("descriptor", "The driver.", "DriverDescriptor", ("401",))},
            f"{base}/lane-views": {
                "get": _operation("lane_views", "Every lane.", "LanesAnswer", ("401", "503"))
            },
            f"{base}/lane-view": {
                "get": _operation(
                    "lane_view",
                    "One lane, and the actions on it with the reasons of those that are disabled.",
                    "LaneAnswer",
                    ("400", "401", "404", "503"),
                    parameters=[LANE],
                )
            },
            f"{base}/review-rebuild": {
                "post": _operation(
                    "review_rebuild",
                    "What a rebuild would do, and whether it may. Changes no lane.",
                    "PlanAnswer",
                    ("400", "401", "404", "409", "413", "415", "423", "503"),
                    requestBody={
                        "required": True,
                        "content": {"application/json": {"schema": _reference("PlanQuestion")}},
                    },
                )
            },
        },
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(
    name: str, words: str, answer: str | None, problems: tuple[str, ...], **more: Any
) -> dict[str, Any]:
    schema = _reference(answer) if answer else {"type": "object"}
    responses: dict[str, Any] = {
        "200": {"description": words, "content": {"application/json": {"schema": schema}}}
    }
    for each in problems:
        responses[each] = {
            "description": PROBLEMS[each],
            "content": {"application/json": {"schema": _reference("Problem")}},
        }
    return {"operationId": name, "summary": words, "responses": responses, **more}


def _reference(model: str) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model)}
