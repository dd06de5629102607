"""The host side of launchplane-lane-authority: plans, permits, the store and the command line."""

__version__ = "0.1.0"
