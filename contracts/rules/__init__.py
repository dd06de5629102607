"""The rules, one file for each thing that they look at. Each yields every reason that it finds."""
