"""A refusal as text that a tired person can read."""

from launchplane_lane_contracts.errors import LaneAuthorityError

from .spelled_out import no_control, spelled_out


def refusal_text(problem: LaneAuthorityError) -> str:
    """All reasons, each with its way on; the bare message where there are none."""
    if not problem.reasons:
        return no_control(problem.message)
    lines = ["The lane authority said no."]
    for each in spelled_out(problem.reasons):
        lines += [f"- {each.code}: {each.message}", f"  Way on: {each.remedy}"]
    return "\n".join(lines)
