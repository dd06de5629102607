"""The commands of `lane-authority`, one file for each kind of work."""
