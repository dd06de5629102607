"""Odoo is found, or what was looked for is said."""

import subprocess
from pathlib import Path

import pytest

from tests.real import RealPartMissing, find_odoo, odoo
from tests.real.odoo import read_release

FOREIGN_KEYRING = Path("/usr/share/keyrings/debian-archive-removed-keys.gpg")


def test_an_empty_home_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ODOO_HOME", str(tmp_path))
    with pytest.raises(RealPartMissing) as refusal:
        find_odoo()
    message = str(refusal.value)
    assert f"ODOO_HOME names {tmp_path}, but there is no Odoo" in message
    assert str(tmp_path / "odoo" / "release.py") in message
    assert "unset it" in message


def test_another_series_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "odoo").mkdir()
    (tmp_path / "odoo" / "release.py").write_text("version_info = (17, 0, 0, FINAL, 0, '')\n")
    monkeypatch.setenv("ODOO_HOME", str(tmp_path))
    with pytest.raises(RealPartMissing, match=r"which is Odoo 17\.0; this project is for Odoo 19"):
        find_odoo()


def test_a_release_file_without_a_version_is_no_odoo_19(tmp_path: Path) -> None:
    release = tmp_path / "release.py"
    release.write_text("nothing = 1\n")
    assert read_release(release) == (None, "None.None")


def test_home_may_name_an_unpacked_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ODOO_HOME", raising=False)
    cached = find_odoo()
    for home in (cached.python_path, cached.python_path.parents[3]):
        monkeypatch.setenv("ODOO_HOME", str(home))
        found = find_odoo()
        assert found.python_path == cached.python_path
        assert found.version == "19.0"


@pytest.mark.slow
@pytest.mark.skipif(not FOREIGN_KEYRING.exists(), reason="Debian's keyrings are not here")
def test_a_package_list_that_others_signed_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ODOO_HOME", raising=False)
    monkeypatch.setenv("LANE_AUTHORITY_CACHE", str(tmp_path))
    monkeypatch.setattr(odoo, "KEYRING", FOREIGN_KEYRING)
    with pytest.raises(RealPartMissing, match=r"package list of Debian[\s\S]*NO_PUBKEY"):
        find_odoo()
    assert not list(tmp_path.rglob("*.deb"))


@pytest.mark.slow
def test_it_runs_and_follows_no_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PGHOST", "somebodys-production.invalid")
    monkeypatch.setenv("ODOO_RC", str(tmp_path / "nothing.conf"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = find_odoo()
    assert "PGHOST" not in found.environment()
    printed = subprocess.run(
        found.command("--version"),
        env=found.environment(),
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "19.0" in printed.stdout
