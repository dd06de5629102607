"""Another process interferes with the guard. A part of its own, since its full size takes long."""
