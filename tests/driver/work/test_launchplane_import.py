"""`launchplane import`: what is recorded, refused, signed first; the second time nothing more."""

import json
from typing import Any

from launchplane_lane_contracts.policy import ProviderTarget
from tests.driver.small_host import SmallHost, SmallLane, production_policy
from tests.standins.launchplane_api import LaunchplaneApi, serving

TOKEN = "launchplane-token"
MAPPING = """\
[[lanes]]
lane = "odoo-tenant-cm/cm/prod"
rollout_state = "testing"
target_id = "app-1"

[[lanes]]
lane = "odoo-tenant-cm/cm/live"
rollout_state = "production"

[[lanes]]
lane = "odoo-tenant-cm/cm/odd"
rollout_state = "production"
"""


def lane_of(instance: str, **policy: Any) -> dict[str, Any]:
    return {"instance": instance, "context": "cm", "odoo_data_policy": policy}


RESETTABLE = {
    **lane_of(
        "prod",
        data_authority="resettable",
        allowed_rebuild_sources=["empty"],
        requires_backup_before_destroy=False,
        requires_restore_proof=False,
    ),
    "odoo_stable_bootstrap": {
        "enabled": True,
        "data_source_mode": "empty",
        "expected_target_name": "cm-prod",
        "expected_domains": ["cm.example"],
    },
}
PROFILE = {
    "product": "odoo-tenant-cm",
    "display_name": "CM",
    "lanes": [
        RESETTABLE,
        lane_of("live", data_authority="authoritative"),
        lane_of("odd", data_authority="authoritative", allowed_rebuild_sources=["empty"]),
        lane_of("unmapped", data_authority="authoritative"),
    ],
}


def imported(host: SmallHost, place: str, *more: str) -> tuple[int, dict[str, Any]]:
    (host.folder / "mapping.toml").write_text(MAPPING)
    mapping = str(host.folder / "mapping.toml")
    done = host.operate(
        "launchplane", "import", place, mapping, "--json", *more, LAUNCHPLANE_TOKEN=TOKEN
    )
    assert TOKEN not in done.stdout + done.stderr
    return done.code, json.loads(done.stdout)


def by_instance(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["lane"].split("/")[-1]: each for each in found["lanes"]}


def test_an_import_and_the_same_again(host: SmallHost, bare: SmallLane) -> None:
    with serving(LaunchplaneApi(TOKEN)) as api:
        api.records["product-profiles"] = [PROFILE]
        entries = len(host.office.store.ledger_entries())
        code, tried = imported(host, api.address, "--dry-run")
        assert code == 50
        assert len(host.office.store.ledger_entries()) == entries
        lanes = by_instance(tried)
        assert {name: each["came"] for name, each in lanes.items()} == {
            "prod": "needs_approvals",
            # The first policy of a lane allows something, so people sign it.
            "live": "needs_approvals",
            "odd": "contradicts",
            "unmapped": "contradicts",
        }
        assert lanes["prod"]["approvers_required"] == 2
        assert "allowed_rebuild_sources" in lanes["odd"]["problem"]
        assert "unmapped is missing" in lanes["unmapped"]["problem"]
        assert not any(each["done"] for each in lanes.values())

        _code, first = imported(host, api.address)
        digest = by_instance(first)["prod"]["digest"]
        assert by_instance(first)["prod"]["done"]
        assert host.office.store.policy(bare.lane) is None
        _code, second = imported(host, api.address)
        assert by_instance(second)["prod"]["digest"] == digest

        host.sign(digest, "rita", "ann", "ben")
        assert host.operate("policy", "apply", digest).code == 0
        revision = host.office.store.policy(bare.lane)
        assert revision is not None
        assert revision.policy.provider_target == ProviderTarget(
            target_id="app-1", name="cm-prod", domains=("cm.example",)
        )
        entries = len(host.office.store.ledger_entries())
        _code, third = imported(host, api.address)
        assert by_instance(third)["prod"]["came"] == "unchanged"
        assert len(host.office.store.ledger_entries()) == entries
        in_words = host.operate(
            "launchplane",
            "import",
            api.address,
            str(host.folder / "mapping.toml"),
            LAUNCHPLANE_TOKEN=TOKEN,
        )
        assert "as recorded already" in in_words.stdout
        assert "refused" in in_words.stdout


def test_what_tightens_is_in_force_at_once(host: SmallHost, lane: SmallLane) -> None:
    state = host.folder / "state" / "product-profiles"
    state.mkdir(parents=True)
    prod = lane_of("prod", data_authority="authoritative")
    tight = {"product": "odoo-tenant-cm", "lanes": [prod]}
    (state / "odoo-tenant-cm.json").write_text(json.dumps(tight))
    code, found = imported(host, str(state.parent))
    # The mapping names a target, and a record without one says nothing of it.
    assert (code, by_instance(found)["prod"]["came"]) == (50, "contradicts")
    assert "target_id" in by_instance(found)["prod"]["problem"]
    prod["odoo_stable_bootstrap"] = {"expected_target_name": "cm-prod"}
    (state / "odoo-tenant-cm.json").write_text(json.dumps(tight))
    code, found = imported(host, str(state.parent))
    assert (code, by_instance(found)["prod"]["came"]) == (0, "recorded")
    revision = host.office.store.policy(lane.lane)
    assert revision is not None
    assert revision.policy.authoritative_data


def test_backups(host: SmallHost, production: SmallLane) -> None:
    state = host.folder / "state" / "backup-gates"
    state.mkdir(parents=True)
    gate = host.gate(production)

    def put(name: str, **changed: Any) -> None:
        record = {
            "record_id": name,
            "context": "syo",
            "instance": "prod",
            "created_at": "2026-01-01T00:00:00Z",
            "source": "backup",
            "required": True,
            "status": "pass",
            "evidence": {"lane_authority_gate": gate.canonical().decode()},
            **changed,
        }
        (state / f"{name}.json").write_text(json.dumps(record))

    put("good")
    put("a-dump", evidence={"database_dump": "syo.dump"})
    put("failed", status="fail")
    put("elsewhere", instance="testing")
    put("unreadable", evidence={"lane_authority_gate": "{}"})
    other = gate.model_copy(update={"backup_id": "backup-0002", "database_oid": 1})
    put("other-data", evidence={"lane_authority_gate": other.canonical().decode()})
    put("odd", evidence=3)
    put("twice")
    twice = (state / "twice.json").read_text()
    (state / "twice.json").write_text(twice.replace("{", '{"status": "fail", ', 1))

    def gates(*more: str) -> dict[str, str]:
        code, found = imported(host, str(state.parent), *more)
        assert code == 50
        return {each["record_id"]: each["came"] for each in found["gates"]}

    bad = dict.fromkeys(("failed", "elsewhere", "unreadable", "odd", "twice"), "contradicts")
    expected = {"good": "recorded", "a-dump": "not_ours", "other-data": "recorded", **bad}
    assert gates("--dry-run") == expected
    assert host.office.store.evidence(production.lane).gates == ()
    assert gates() == {**expected, "other-data": "contradicts"}
    assert host.office.store.evidence(production.lane).gates == (gate,)
    assert gates() == {**expected, "other-data": "contradicts", "good": "unchanged"}
    (state / "list.json").write_text("[]")
    mapping = str(host.folder / "mapping.toml")
    assert host.operate("launchplane", "import", str(state.parent), mapping).code == 2


def test_nothing_is_recorded_where_something_cannot_be_read(
    host: SmallHost, bare: SmallLane
) -> None:
    host.record_policy(production_policy(bare.lane))
    state = host.folder / "state" / "product-profiles"
    state.mkdir(parents=True)
    (state / "a.json").write_text(json.dumps(PROFILE))
    (state / "b.json").write_text('{"lanes": 3}')
    mapping = host.folder / "mapping.toml"
    mapping.write_text(MAPPING)
    words = ("launchplane", "import", str(state.parent), str(mapping))
    entries = len(host.office.store.ledger_entries())
    assert host.operate(*words).code == 2
    (state / "b.json").unlink()
    mapping.write_text(MAPPING.replace("production", "prod"))
    broken = host.operate(*words)
    assert broken.code == 2
    assert "rollout_state" in broken.stderr
    assert host.operate(*words[:3], "/nowhere.toml").code == 2
    mapping.write_text(MAPPING)
    (state.parent / "backup-gates").mkdir()
    (state.parent / "backup-gates" / "list.json").write_text("[]")
    assert host.operate(*words).code == 2
    assert len(host.office.store.ledger_entries()) == entries
