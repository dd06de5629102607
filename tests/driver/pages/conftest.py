"""The same server, forks and lanes as the driver's other work has."""

from tests.driver.work.conftest import around, bare, host, lane, production

__all__ = ("around", "bare", "host", "lane", "production")
