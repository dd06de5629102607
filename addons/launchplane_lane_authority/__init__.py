from . import controllers, models, wizards
from .server_wide.post_load import post_load
