"""Every part that may be broken, one after another: doctor names it, and what to do."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from launchplane_lane_contracts.approval import Thresholds
from launchplane_lane_contracts.contract import Digest
from launchplane_lane_contracts.errors import BadInput
from launchplane_lane_contracts.people import People
from launchplane_lane_contracts.reading import RuntimeReading
from launchplane_lane_driver.doctor import examine
from launchplane_lane_driver.enough_people import names_that_count
from launchplane_lane_driver.examination import Finding, Health
from launchplane_lane_driver.keys import KEY_VARIABLE
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.people import people_in_files
from tests.driver.runtime_standin import send
from tests.driver.small_host import SmallHost, SmallLane, untouched
from tests.guard import fingerprint
from tests.real.postgres import free_port

HOST_PARTS = [
    "configuration",
    "drivers",
    "key folder",
    "signing key",
    "public keys",
    "store",
    "clock",
    "approvers",
    "thresholds",
]
LANE_PARTS = [
    "policy",
    "guard",
    "identity",
    "server",
    "role",
    "clocks",
    "database",
    "lock",
    "filestore",
    "keep",
    "room",
    "runtime",
]


def findings(host: SmallHost) -> list[Finding]:
    """What doctor says, of the host and every lane."""
    return list(examine(host.host).findings)


def bad(host: SmallHost) -> dict[str, Finding]:
    """What is not good, by its part."""
    return {each.part: each for each in findings(host) if each.health is not Health.GOOD}


def test_a_host_and_a_lane_that_are_well(host: SmallHost, lane: SmallLane) -> None:
    with untouched(lane):
        found = findings(host)
    assert [each.part for each in found] == [*HOST_PARTS, *LANE_PARTS]
    assert [each for each in found if each.health is not Health.GOOD] == []
    assert examine(host.host).exit_code == 0


def test_production_without_a_shadow_is_a_warning(host: SmallHost, production: SmallLane) -> None:
    assert set(bad(host)) == {"shadow"}
    done = host.operate("doctor", str(production.lane), NO_COLOR="1")
    assert done.code == 0
    assert "warning  shadow" in done.stdout
    assert "Do: Run `lane-authority-guard filestore refresh`" in done.stdout
    assert "PostgreSQL itself refuses to drop the database." in done.stdout


Break = Callable[[SmallHost, SmallLane, pytest.MonkeyPatch], None]


def _guard_env(**changed: str) -> Break:
    return lambda _host, lane, _patch: lane.put_guard_back(**changed)


def _guard_says(old: str, new: str) -> Break:
    return lambda _host, lane, _patch: lane.guard_becomes(
        f"""exec "$GUARD" "$@" | sed 's/{old}/{new}/g'"""
    )


def _lie(**changed: object) -> Break:
    def lie(reading: RuntimeReading) -> RuntimeReading:
        return reading.model_copy(update=changed)

    return lambda _host, lane, _patch: setattr(lane.runtime, "lie", lie)


def _connection(url: str) -> Break:
    return lambda host, _lane, _patch: host.configure(connection=json.dumps(url))


def _write(what: str, text: str) -> Break:
    return lambda host, _lane, _patch: (getattr(host.host, what).write_text(text), None)[1]


BREAKS: dict[str, tuple[Break, str, Health]] = {
    "configuration": (
        _write("configuration_file", "lanes = 3"),
        "configuration",
        Health.WRONG,
    ),
    "no lanes": (_write("configuration_file", ""), "configuration", Health.WARNING),
    "key folder": (
        lambda host, _lane, _patch: host.host.keys.chmod(0o755),
        "key folder",
        Health.WRONG,
    ),
    "key file": (
        lambda host, _lane, _patch: next(host.host.keys.glob("signing-*")).chmod(0o644),
        "signing key",
        Health.UNKNOWN,
    ),
    "key in the environment": (
        lambda _host, _lane, patch: patch.setenv(KEY_VARIABLE, "no key"),
        "signing key",
        Health.UNKNOWN,
    ),
    "public keys": (_write("public_keys_file", '{"keys": []}'), "public keys", Health.WRONG),
    "odd public keys": (_write("public_keys_file", "{"), "public keys", Health.UNKNOWN),
    "store": (
        lambda _host, _lane, patch: patch.setenv("LANE_AUTHORITY_DATABASE_URL", "sqlite:////no/x"),
        "store",
        Health.UNKNOWN,
    ),
    "ledger's head": (_write("head_file", "{"), "store", Health.UNKNOWN),
    "store behind": (
        _write("head_file", '{"sequence":9999,"entry_digest":"' + "a" * 64 + '"}'),
        "store",
        Health.WRONG,
    ),
    "approvers changed": (_write("approvers_file", "# nobody"), "approvers", Health.WRONG),
    "approvers open to others": (
        lambda host, _lane, _patch: host.host.approvers_file.chmod(0o666),
        "approvers",
        Health.UNKNOWN,
    ),
    "odd thresholds": (_write("thresholds_file", "grave = 9"), "approvers", Health.WRONG),
    "no ssh-keygen": (
        lambda _host, _lane, patch: patch.setenv("PATH", "/nowhere"),
        "signatures",
        Health.UNKNOWN,
    ),
    "guard gone": (lambda _host, lane, _patch: lane.guard.unlink(), "guard", Health.UNKNOWN),
    "guard of another version": (
        _guard_says('"guard_version":"[^"]*"', '"guard_version":"0.0.1"'),
        "guard",
        Health.WARNING,
    ),
    "guard of another lane": (
        _guard_env(LAUNCHPLANE_RUNTIME_IDENTITY_JSON="{}"),
        "identity",
        Health.WRONG,
    ),
    "server down": (_guard_env(ODOO_DB_PORT=str(free_port())), "server", Health.UNKNOWN),
    "another database": (_guard_env(ODOO_DB_NAME="other"), "database", Health.WRONG),
    "another filestore": (
        _guard_env(ODOO_FILESTORE_PATH="/nowhere/cm"),
        "filestore",
        Health.WRONG,
    ),
    "database renamed": (
        lambda _host, lane, _patch: lane.execute(
            f'ALTER DATABASE "{lane.database}" RENAME TO elsewhere'
        ),
        "database",
        Health.WRONG,
    ),
    "no keep": (_guard_env(LANE_AUTHORITY_KEEP=""), "keep", Health.WRONG),
    "another keep": (
        lambda host, _lane, _patch: host.configure(keep='"/srv/another"'),
        "keep",
        Health.WRONG,
    ),
    "files without a tag": (
        lambda _host, lane, _patch: next(
            each for each in lane.filestore.iterdir() if each.is_file()
        ).unlink(),
        "filestore",
        Health.WRONG,
    ),
    "runtime down": (lambda _host, lane, _patch: lane.runtime.stop(), "runtime", Health.UNKNOWN),
    "runtime of another database": (_lie(identity=None), "runtime", Health.WRONG),
    "runtime that answers nonsense": (
        lambda _host, lane, _patch: setattr(
            lane.runtime, "raw", lambda handler: send(handler, b"<html>")
        ),
        "runtime",
        Health.UNKNOWN,
    ),
    "a locked database would not be listed": (
        _lie(stays_listed_when_locked=False),
        "listing",
        Health.WARNING,
    ),
    "a copy would send mail": (
        _lie(quarantine_loaded=False),
        "quarantine",
        Health.WARNING,
    ),
    "connection refused": (
        _connection(f"postgresql://x@127.0.0.1:{free_port()}"),
        "connection",
        Health.UNKNOWN,
    ),
}


@contextmanager
def as_it_was(host: SmallHost, lane: SmallLane) -> Iterator[None]:
    """Afterwards everything that a break touches is as it was."""
    files = [
        each for each in (*host.directory.glob("*"), *host.host.keys.glob("*")) if each.is_file()
    ]
    files = [each for each in files if "store" not in each.name]
    tags = [each for each in lane.filestore.iterdir() if each.is_file()]
    saved = {each: (each.read_bytes(), each.stat().st_mode) for each in (*files, *tags)}
    try:
        yield
    finally:
        for file, (content, mode) in saved.items():
            file.write_bytes(content)
            file.chmod(mode)
        host.host.keys.chmod(0o700)
        lane.put_guard_back()
        lane.runtime.lie = lane.runtime.raw = None
        lane.runtime.start()
        if "elsewhere" in fingerprint.databases(lane.cluster):
            lane.execute(f'ALTER DATABASE elsewhere RENAME TO "{lane.database}"')


def test_every_broken_part_is_named_with_what_to_do(host: SmallHost, lane: SmallLane) -> None:
    allowed = {Health.WRONG: (50,), Health.UNKNOWN: (50, 51), Health.WARNING: (0,)}
    for name, (breaking, part, health) in BREAKS.items():
        with as_it_was(host, lane), pytest.MonkeyPatch.context() as patch:
            breaking(host, lane, patch)
            with untouched(lane):
                examined = examine(host.host)
        found = {each.part: each for each in examined.findings if each.health is not Health.GOOD}
        assert part in found, (name, found)
        assert found[part].health is health, (name, found[part])
        assert found[part].message, name
        assert found[part].remedy, name
        assert examined.exit_code in allowed[health], name
    assert bad(host) == {}


def test_a_lane_alone_and_one_that_is_unknown(host: SmallHost, lane: SmallLane) -> None:
    other = host.add_lane("syo")
    of_one = examine(host.host, lane.lane).findings
    assert {each.lane for each in of_one} == {None, lane.lane}
    assert {each.lane for each in findings(host)} == {None, lane.lane, other.lane}
    unknown = other.lane.model_copy(update={"context": "nobody"})
    with pytest.raises(BadInput, match="is not configured"):
        examine(host.host, unknown)
    assert host.operate("doctor", str(unknown)).code == 2


def test_a_lane_that_nobody_recorded_or_enrolled(host: SmallHost, bare: SmallLane) -> None:
    found = bad(host)
    assert {name: each.health for name, each in found.items()} == {
        "policy": Health.WARNING,
        "filestore": Health.WARNING,
    }


def test_in_json(host: SmallHost, lane: SmallLane) -> None:
    well = host.operate("doctor", "--json")
    assert (well.code, well.stderr) == (0, "")
    plain = json.loads(well.stdout)
    assert plain["exit_code"] == 0
    assert {each["health"] for each in plain["findings"]} == {"good"}
    lane.runtime.stop()
    assert json.loads(host.operate("doctor", "--json").stdout)["exit_code"] == 51
    lane.put_guard_back(LANE_AUTHORITY_KEEP="")
    lane.guard_becomes('exec "$GUARD" "$@"')
    assert host.operate("doctor").code == 50


def test_roles(host: SmallHost, lane: SmallLane) -> None:
    role = lane.cluster.odoo.name
    for change, back, health in (
        ("SUPERUSER", "NOSUPERUSER", Health.WARNING),
        ("NOCREATEDB", "CREATEDB", Health.WRONG),
    ):
        lane.cluster.execute(f"ALTER ROLE {role} {change}")
        try:
            assert bad(host)["role"].health is health
        finally:
            lane.cluster.execute(f"ALTER ROLE {role} {back}")
    assert bad(host) == {}


NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ("", True),
        ('namespaces="launchplane-lane-authority" ', True),
        ('valid-before="20260301" ', False),
        ('valid-before="20260301000001Z" ', True),
        ('valid-after="202603010001Z" ', False),
        ('valid-after="20260101",valid-before="20270101" ', True),
    ],
)
def test_who_counts(options: str, counts: bool) -> None:
    people = People(
        approvers=f"alice {options}ssh-ed25519 AAAA\n*@example.org ssh-ed25519 AAAA\n",
        thresholds=Thresholds(),
    )
    assert names_that_count(people, NOW) == (frozenset({"alice"}) if counts else frozenset())


@pytest.mark.parametrize("option", ['valid-before="20200101"', 'colour="red"'])
def test_too_few_people_are_wrong(host: SmallHost, option: str) -> None:
    """A key has run out since, or was never readable. Nobody can sign for another one any more."""
    *two, third = host.host.approvers_file.read_text().splitlines(keepends=True)
    name, key = third.split(maxsplit=1)
    host.host.approvers_file.write_text(f"{''.join(two)}{name} {option},{key}")
    host.office.store.record_people(
        people_in_files(host.host),
        now=utc_now(),
        change_digest=Digest("b" * 64),
        approvals_used=(),
    )
    found = bad(host)["approvers"]
    assert found.health is Health.WRONG
    assert "2 of 3 people" in found.message
    assert "`lane-authority reconcile`" in found.remedy
    host.office.close()
    host.host.store_file.rename(host.folder / "store-aside")
    host.host.approvers_file.write_text("".join(two))
    refusal = host.operate("reconcile", "--now")
    assert (refusal.code, "2 of 3 people" in refusal.stderr) == (2, True)
    host.host.thresholds_file.write_text("grave = 1\n")
    assert host.operate("reconcile", "--now").code == 0
    assert "approvers" not in bad(host)
