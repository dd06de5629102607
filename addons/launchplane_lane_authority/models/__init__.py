from . import launchplane_lane_sealed  # the two tables below inherit from it

# isort: split
from . import (
    ir_model,
    ir_model_fields,
    ir_module_module,
    launchplane_lane_event,
    launchplane_lane_marker,
    res_config_settings,
)
