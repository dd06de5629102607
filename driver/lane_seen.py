"""All that a view of one lane is made of: what is on record, and what was seen just now."""

from dataclasses import dataclass
from datetime import datetime

from launchplane_lane_contracts.observation import Observation
from launchplane_lane_contracts.policy import EffectivePolicy, PolicyRevision, effective_policy

from .lane_configuration import LaneConfiguration
from .store.overview import LaneOverview
from .witnesses import Witnessed

WAS_NOT_ASKED = "nobody asked; this is what is on record alone"
"""Why nothing is known of what was not looked at."""


@dataclass(frozen=True)
class LaneSeen:
    """One lane at one moment."""

    configuration: LaneConfiguration
    overview: LaneOverview
    witnessed: Witnessed
    observation: Observation
    now: datetime

    @property
    def revision(self) -> PolicyRevision | None:
        """The policy in force."""
        return self.overview.revision

    @property
    def effective(self) -> EffectivePolicy | None:
        """The policy, once expiry and the marker have been heard."""
        if self.revision is None:
            return None
        marker = self.observation.marker
        return effective_policy(
            self.revision.policy,
            self.now,
            marker_authoritative=marker.authoritative,
            claimed=marker.claimed,
        )
