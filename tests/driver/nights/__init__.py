"""The nights that must end well, each as `docs/nights.md` tells it."""
