"""The file in which a tenant's repository declares its lanes, written as people write it."""

import json

from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.policy import UpstreamSource


def declaration_text(lane: Lane, source: UpstreamSource | None = None) -> str:
    """The declaration of one lane."""
    lines = ["schema_version = 1", f'lane = "{lane}"']
    if source is not None:
        parts = {**source.to_plain(), "lane": str(source.lane) if source.lane else None}
        lines.append("\n[upstream_source]")
        lines += [f"{name} = {json.dumps(each)}" for name, each in parts.items() if each]
    return "\n".join(lines) + "\n"
