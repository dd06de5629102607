"""What holds for every test: quick ones first, full-size ones only when asked for."""

import signal

import pytest

# Shells start what runs in the background with SIGINT ignored, and children inherit that: a test
# that interrupts one of its own would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put slow tests last in their order, and leave full-size ones out of an ordinary run."""
    if "full" not in config.getoption("markexpr"):
        full = [item for item in items if item.get_closest_marker("full")]
        if full:
            config.hook.pytest_deselected(items=full)
        items[:] = [item for item in items if item not in full]
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
