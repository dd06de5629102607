"""Stand-ins for the two public programs that this project meets: the devkit and Launchplane.

They are written from what can be seen of those programs from outside. They do for real what
the real ones do to a server and to files, and they import nothing of this project.
"""
