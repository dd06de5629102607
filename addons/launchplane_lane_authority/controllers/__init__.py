from . import lane_authority
