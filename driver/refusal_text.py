"""A refusal as text that a tired person can read."""

from launchplane_lane_contracts.errors import LaneAuthorityError


def refusal_text(problem: LaneAuthorityError) -> str:
    """All reasons, each with its way on; the bare message where there are none."""
    if not problem.reasons:
        return problem.message
    lines = ["The lane authority said no."]
    for each in problem.reasons:
        lines += [f"- {each.code}: {each.message}", f"  Way on: {each.remedy}"]
    return "\n".join(lines)
