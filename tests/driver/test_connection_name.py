"""Connections that a lane may be configured with, and those that it may not."""

from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_driver.lane_configuration import read_host_configuration

LANE = """
[[lanes]]
lane = "a/b/c"
database = "cm"
filestore_path = "/srv/cm"
guard_command = ["guard"]
"""
SECRET = "a-secret-word"


def read(folder: Path, lines: str) -> str:
    """What is wrong with the file; nothing where it is read."""
    file = folder / "lane-authority.toml"
    file.write_text(LANE + lines)
    try:
        read_host_configuration(file)
    except BadInput as problem:
        return problem.message
    return ""


@pytest.mark.parametrize(
    "lines",
    [
        "",
        'connection = "cm-reader"',
        'connection = "postgresql://reader@db.example:5433/cm?sslmode=verify-full"',
        'connection = "postgres://db.example"',
        'connection = "postgresql://reader@[::1]:5433"',
        'connection = "postgresql://db.example?passfile=/etc/lane/pgpass"',
        'connection = "cm"\npassword_variable = "CM_PASSWORD"\nconnection_timeout = 3',
        'connection = "cm"\npassword_command = ["pass", "show", "cm"]',
        'keep = "/srv/keep"',
    ],
)
def test_these_are_read(tmp_path: Path, lines: str) -> None:
    assert read(tmp_path, lines) == ""


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (f'connection = "postgresql://reader:{SECRET}@db.example/cm"', "there is a password in it"),
        (f'connection = "postgresql://db.example/cm?password={SECRET}"', "a password in it"),
        (f'connection = "postgresql://db.example/cm?sslpassword={SECRET}"', "a password in it"),
        ('connection = "postgresql://reader:@db.example/cm"', "a password in it"),
        (f'connection = "host=db user=reader password={SECRET}"', "neither the name of a libpq"),
        (f'connection = "mysql://reader:{SECRET}@db/cm"', "no URL that libpq understands"),
        (f'connection = "postgresql://db/cm?colour={SECRET}"', "no URL that libpq understands"),
        (f'connection = "postgresql://[{SECRET}"', "no URL that libpq understands"),
        ('connection = "postgresql://db.example/other"', "another database"),
        ('connection = ""', "connection"),
        ('password_variable = "CM_PASSWORD"', "goes with a connection"),
        ('password_command = ["pass"]', "goes with a connection"),
        ('connection = "cm"\npassword_variable = "no name"', "password_variable"),
        ('connection = "cm"\npassword_command = []', "password_command"),
        (
            'connection = "cm"\npassword_variable = "X"\npassword_command = ["x"]',
            "two ways: name one",
        ),
        ('connection = "cm"\nconnection_timeout = 0', "connection_timeout"),
    ],
)
def test_these_are_refused_and_no_secret_is_said_again(
    tmp_path: Path, lines: str, words: str
) -> None:
    said = read(tmp_path, lines)
    assert words in said
    assert SECRET not in said
