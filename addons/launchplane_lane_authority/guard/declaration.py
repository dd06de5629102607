"""The tenant's declaration as the lane's image has it: which upstream source is meant."""

from launchplane_lane_contracts.contract import FilestorePath
from launchplane_lane_contracts.evidence import IncomingData
from launchplane_lane_contracts.mistakes import Mistakes
from launchplane_lane_contracts.orders import Permit
from launchplane_lane_contracts.reading import DeclarationReading
from launchplane_lane_contracts.tenant_declaration import declared_source, read_declarations
from launchplane_lane_contracts.vocabulary import DataSource

from .settings import DECLARATION_VARIABLE, GuardSettings

LARGEST_BYTES = 1_000_000
NOT_ASKED = DeclarationReading(problem="nobody looked at the image")


def read_declaration(settings: GuardSettings) -> DeclarationReading:
    """What the file in the image declares for this lane. Never raises."""
    if settings.declaration is None:
        return DeclarationReading(problem=f"{DECLARATION_VARIABLE} is not set")
    path = FilestorePath(str(settings.declaration))
    if settings.lane is None:
        return DeclarationReading(path=path, problem="the environment names no lane")
    try:
        with settings.declaration.open("rb") as opened:
            content = opened.read(LARGEST_BYTES + 1)
    except OSError as problem:
        words = f"{path} cannot be read ({problem.strerror})"
        return DeclarationReading(path=path, problem=words)
    if len(content) > LARGEST_BYTES:
        return DeclarationReading(path=path, problem=f"{path} is longer than {LARGEST_BYTES} bytes")
    try:
        declarations = read_declarations(content)
    except Mistakes as found:
        mistakes = "; ".join(str(each).rstrip(".") for each in found.mistakes)
        return DeclarationReading(path=path, problem=f"{path} has mistakes: {mistakes}")
    for each in declarations:
        if each.lane == settings.lane:
            return DeclarationReading(
                path=path,
                problem=None if each.upstream_source else f"{path} declares none for this lane",
                upstream_source=each.upstream_source,
            )
    return DeclarationReading(path=path, problem=f"{path} does not name lane {settings.lane}")


def as_declared_here(permit: Permit, declaration: DeclarationReading | None) -> IncomingData:
    """What the permit knows of the data that is to come, with what this image declares of it."""
    incoming = permit.observation.incoming
    if permit.request.data_source is not DataSource.UPSTREAM_RESTORE:
        return incoming
    found = declaration or NOT_ASKED
    return incoming.model_copy(
        update={
            "declared_upstream": declared_source(
                found.upstream_source, incoming.declared_upstream, permit.policy.upstream_source
            ),
            "declaration_problem": found.problem or "",
        }
    )
