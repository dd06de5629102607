"""The guard: it alone changes anything on a lane's server, and only by a signed order.

Plain Python over SQL, without Odoo, so that it runs beside the script that rebuilds the lane.
"""

__version__ = "0.1.0"
