"""What the stand-ins really do, by its effect on a real server and on real files."""
