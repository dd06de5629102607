"""The addon from outside: installed into a real Odoo, run by real runners, asked over HTTP."""
