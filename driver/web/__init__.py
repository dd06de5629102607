"""The read routes and the plan, over HTTP: a small WSGI application for operators' screens."""
