from . import launchplane_meddler
