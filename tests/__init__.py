"""Every test of the project, one folder for each part."""
