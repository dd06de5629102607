"""The host directory: made once, never overwritten, its mistakes reported all at once."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from launchplane_lane_contracts.errors import BadInput, CouldNotTell
from launchplane_lane_driver.host_directory import HostDirectory, default_path
from launchplane_lane_driver.keys import create_signing_key
from tests.driver.sample import CM, SYO

A_LANE = """
[[lanes]]
lane = "odoo-tenant-cm/cm/prod"
database = "cm"
filestore_path = "/srv/odoo/filestore/cm"
guard_command = ["docker", "exec", "-i", "cm-prod", "lane-authority-guard"]
"""


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_initialise_keeps_what_is_there(host: HostDirectory) -> None:
    assert _mode(host.keys) == 0o700
    assert _mode(host.head_file) == 0o600
    before = {path: path.read_bytes() for path in host.path.rglob("*") if path.is_file()}
    host.approvers_file.write_text("alice ssh-ed25519 AAAA\n")
    host.configuration_file.write_text(A_LANE)
    again = HostDirectory.initialise(host.path)
    assert again.approvers_file.read_text() == "alice ssh-ed25519 AAAA\n"
    assert list(again.lanes()) == [CM]
    for path in (host.head_file, host.public_keys_file):
        assert path.read_bytes() == before[path]


def test_the_commented_example_is_a_valid_lane(host: HostDirectory) -> None:
    text = host.configuration_file.read_text()
    assert host.lanes() == {}
    example = text[text.index("# [[lanes]]") :].replace("# [[", "[[").replace("\n# ", "\n")
    host.configuration_file.write_text(example)
    lane = host.lane(CM)
    assert lane.guard_timeout == 600
    assert lane.runtime_url == "https://cm.example"


def test_a_missing_head_is_not_made_anew_beside_a_store(host: HostDirectory) -> None:
    host.store_file.write_bytes(b"")
    host.head_file.unlink()
    HostDirectory.initialise(host.path)
    assert not host.head_file.exists()


def test_defaults(host: HostDirectory) -> None:
    host.configuration_file.write_text(A_LANE)
    lane = HostDirectory.open(host.path).lane(CM)
    assert (lane.guard_timeout, lane.runtime_timeout, lane.runtime_url) == (600.0, 10.0, None)
    assert lane.guard_command[0] == "docker"


def test_all_mistakes_are_named_at_once(host: HostDirectory) -> None:
    host.configuration_file.write_text(
        A_LANE
        + """
guard_timeout = -1
runtime_uri = "https://cm.example"
[[lanes]]
lane = "prod"
database = "syo"
filestore_path = "relative"
guard_command = []
"""
    )
    with pytest.raises(BadInput) as caught:
        host.lanes()
    message = caught.value.message
    assert str(host.configuration_file) in message
    for field in (
        "lanes[1].guard_timeout",
        "lanes[1].runtime_uri",
        "lanes[2].lane",
        "lanes[2].filestore_path",
        "lanes[2].guard_command",
    ):
        assert field in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (A_LANE + A_LANE, "configured more than once"),
        (A_LANE + A_LANE.replace("/cm/prod", "/cm/testing"), "same guard command and database"),
        ("lanes = [", "is not TOML"),
        (A_LANE.replace('"cm"', "1979-05-27"), "lanes[1].database"),
        (A_LANE + "guard_timeout = " + "9" * 5000, "a number or date that cannot be one"),
        (A_LANE + "guard_timeout = 99999999999999999999", "the number is too large"),
        (A_LANE + "keep = " + "[" * 3000, "nested more than"),
        (A_LANE + "guard_timeout = 1e300", "lanes[1].guard_timeout"),
        (A_LANE + "connection_timeout = 604801", "lanes[1].connection_timeout"),
        (A_LANE.replace('"docker"', r'"a\u0000b"'), "lanes[1].guard_command"),
        (A_LANE + r'runtime_url = "http://a\u0000b"', "lanes[1].runtime_url"),
        (A_LANE + 'runtime_url = "https://reader:hunter2@cm.example"', "lanes[1].runtime_url"),
        (A_LANE + 'runtime_url = "https://cm.example/?token=hunter2"', "lanes[1].runtime_url"),
        (A_LANE + r'keep = "/a\u0000b"', "lanes[1].keep"),
    ],
)
def test_a_file_that_makes_no_sense(host: HostDirectory, text: str, said: str) -> None:
    host.configuration_file.write_text(text)
    with pytest.raises(BadInput) as caught:
        host.lanes()
    assert said in caught.value.message
    assert "hunter2" not in caught.value.message


def test_an_unknown_lane_names_file_and_way_on(host: HostDirectory) -> None:
    with pytest.raises(BadInput) as caught:
        host.lane(SYO)
    assert str(host.configuration_file) in caught.value.message
    assert "[[lanes]]" in caught.value.message


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        HostDirectory.open(tmp_path)
    assert "lane-authority init" in caught.value.message
    (tmp_path / "file").touch()
    with pytest.raises(CouldNotTell):
        HostDirectory.initialise(tmp_path / "file")


def test_where_it_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"LANE_AUTHORITY_HOST_DIRECTORY": "/etc/lanes", "XDG_CONFIG_HOME": "/x"}
    assert default_path(named) == Path("/etc/lanes")
    assert default_path({"XDG_CONFIG_HOME": "/x"}) == Path("/x/lane-authority")
    monkeypatch.setenv("HOME", str(tmp_path))
    for environment in ({}, {"XDG_CONFIG_HOME": "relative"}):
        assert default_path(environment) == tmp_path / ".config" / "lane-authority"


def test_the_store_can_be_elsewhere(host: HostDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANE_AUTHORITY_DATABASE_URL", raising=False)
    assert host.store_url == f"sqlite:///{host.store_file}"
    monkeypatch.setenv("LANE_AUTHORITY_DATABASE_URL", "postgresql://host/db")
    assert host.store_url == "postgresql://host/db"


def test_the_exit_code_says_what_it_was_where_nobody_reads_it(host: HostDirectory) -> None:
    create_signing_key(host)
    program = [sys.executable, "-m", "launchplane_lane_driver.command_line"]
    program += ["--host-directory", str(host.path)]
    read, write = os.pipe()
    os.close(read)
    try:
        with Path("/dev/full").open("wb") as full:
            for arguments, stream, code in (
                (("lane", "--json", str(SYO)), full, 2),
                (("lanes", "--json"), write, 51),
            ):
                done = subprocess.run(
                    [*program, *arguments], stdout=stream, stderr=subprocess.PIPE, check=False
                )
                assert done.returncode == code, done.stderr
                assert b"Traceback" not in done.stderr
    finally:
        os.close(write)
