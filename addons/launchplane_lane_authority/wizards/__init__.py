from . import launchplane_lane_claim
