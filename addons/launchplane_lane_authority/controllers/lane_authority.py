"""The route by which the control plane asks this Odoo what it sees."""

import logging
import os

from odoo import http
from odoo.http import Response, request

from launchplane_lane_contracts.errors import CouldNotTell, Refused

from ..guard.settings import runtime_identity
from ..reading.expected_generation import remember_generation
from ..reading.public_keys import configured_public_keys
from ..reading.runtime_reading import read_runtime
from .answer_rate import AnswerRate

_logger = logging.getLogger(__name__)

SCHEME = "Bearer "
LARGEST_TOKEN_CHARACTERS = 4096
_rate = AnswerRate()


class LaneAuthority(http.Controller):
    """The second witness: this Odoo says of itself where it runs and on which database."""

    @http.route(
        "/launchplane/lane-authority",
        type="http",
        auth="none",
        methods=["GET"],
        csrf=False,
        save_session=False,
        readonly=True,
    )
    def lane_authority(self):
        """Answer the control plane, and nobody else."""
        identity, problem = runtime_identity(os.environ)
        if identity is None:
            # Without a lane of its own it cannot know that it is the one who is asked.
            _logger.warning("The control plane's question is not answered: %s.", problem)
            return _not_for_you()
        order = _witness_order(request.httprequest.headers.get("Authorization", ""))
        if order is None or order.lane != identity.lane:
            return _not_for_you()
        if not _rate.may_answer():
            return Response(status=429, headers={"Cache-Control": "no-store", "Retry-After": "10"})
        remember_generation(identity.lane, order.expected_generation)
        cursor = request.env.cr if request.db else None
        reading = read_runtime(
            identity, cursor, registry_loaded=bool(cursor and request.env.registry.ready)
        )
        return Response(
            reading.canonical(),
            content_type="application/json; charset=utf-8",
            headers={"Cache-Control": "no-store"},
        )


def _witness_order(authorization):
    """The order in the header, or None when it is not one of the control plane's."""
    if not authorization.startswith(SCHEME) or len(authorization) > LARGEST_TOKEN_CHARACTERS:
        return None
    try:
        return configured_public_keys().witness_order(authorization.removeprefix(SCHEME).strip())
    except Refused:
        return None
    except CouldNotTell as problem:
        _logger.warning("The control plane's question is not answered: %s", problem.message)
        return None


def _not_for_you():
    return Response(status=401, headers={"Cache-Control": "no-store", "WWW-Authenticate": "Bearer"})
