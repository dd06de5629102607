from . import test_meddler
