"""The driver at work on real lanes without Odoo: each refusal and each step by its effect."""
