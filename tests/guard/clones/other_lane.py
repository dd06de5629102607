"""A second lane of the same control plane, on the same server unless another is named."""

from pathlib import Path

from tests.guard.estate import LANE, Estate
from tests.real.postgres import PrivateCluster


def other_lane(
    lane: Estate, *, protected: bool, cluster: PrivateCluster | None = None, name: str = "other"
) -> Estate:
    """Make and enrol it, with a folder and a keep of its own."""
    folder: Path = lane.folder.with_name(f"{lane.folder.name}-{name}")
    folder.mkdir()
    made = Estate(
        cluster or lane.cluster,
        folder,
        name,
        (cluster or lane.cluster).odoo,
        protected=protected,
        lane=LANE.model_copy(update={"context": name, "instance": "prod"}),
        host=lane.host,
    )
    return made.make().enrol()
