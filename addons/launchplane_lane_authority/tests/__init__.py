from . import (
    test_badge,
    test_claim,
    test_files,
    test_lasting_tables,
    test_neutralise,
    test_quarantine,
    test_sealed,
    test_settings,
    test_ways_round,
    test_witness,
)
