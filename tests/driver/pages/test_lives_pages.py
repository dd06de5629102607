"""docs/lives.md and docs/keys.md are typed; each first call looks and changes nothing."""

from launchplane_lane_contracts.contract import DatabaseName
from launchplane_lane_driver.policy_changes import propose_policy
from tests.backups.places import folder_in_memory
from tests.driver.small_host import (
    ANN,
    RITA,
    SmallHost,
    SmallLane,
    production_policy,
    resettable_policy,
    untouched,
)
from tests.driver.typed import Typed
from tests.typed_pages import commands_of

EXAMPLE = "cm__kept_g4_recreate_3f2a91"
CLAIMED = "UPDATE launchplane_lane_marker SET claimed = {}"


def test_the_lives(host: SmallHost, bare: SmallLane) -> None:
    with folder_in_memory() as backups, Typed(host, commands_of("lives.md")) as page:
        bare.put_guard_back(LANE_AUTHORITY_BACKUPS=str(backups))
        host.record_policy(resettable_policy(bare.lane))
        with untouched(bare):
            page.type("enrol")
        host.enrol(bare)
        host.rebuild(bare)
        (kept,) = host.office.store.host_record(bare.lane).kept
        page.known |= {"KEPT": kept.name, EXAMPLE: kept.name}
        tag = bare.tag()
        bare.execute(f'COMMENT ON DATABASE "{bare.database}" IS NULL')
        with untouched(bare):
            page.type("adopt")
        bare.execute(f"COMMENT ON DATABASE \"{bare.database}\" IS '{tag}'")
        bare.execute(CLAIMED.format("true"), bare.database)
        with untouched(bare):
            page.type_all("lower", "lost")
        bare.execute(CLAIMED.format("false"), bare.database)
        with untouched(bare):
            page.type("release")
            # Before its time it takes one besides the one who asks.
            page.signed_by(RITA, ANN)
        tighter = propose_policy(
            host.office, production_policy(bare.lane), proposer=RITA, why="as agreed"
        )
        page.known["DIGEST"] = tighter.digest
        page.type("policy apply")
        host.record_policy(resettable_policy(bare.lane))
        bare.execute(CLAIMED.format("true"), bare.database)
        with untouched(bare):
            page.type_all("lower", "retire")
            for _road in range(2):
                assert "nothing_to_do" in page.type("moved", 50)
        page.type("kept-data open")
        assert host.operate("kept-data", "close", str(bare.lane), "--now").code == 0
        _training(host, bare)
        assert "marker_absent" in page.type("copy", 50)
        assert "nothing to correct" in page.type("clock correct", 2)
        page.type("backup capture")
        (gate,) = host.office.store.evidence(bare.lane).gates
        page.known["BACKUP"] = gate.backup_id
        with untouched(bare):
            page.type_all("backup prove", "release --due")


def _training(host: SmallHost, lane: SmallLane) -> None:
    """Another lane, with data of its own: it is nobody's copy."""
    place = lane.lane.model_copy(update={"instance": "staging"})
    made = SmallLane(
        place, host.folder / "staging", host.cluster, host.forks, host.host.public_keys_file
    )
    made.database = DatabaseName("staging")
    made.filestore = made.folder / "filestore" / made.database
    made.put_guard_back()
    made.make_data()
    made.runtime.start()
    host.lanes["staging"] = made
    host.configure()


def test_the_keys(host: SmallHost, lane: SmallLane) -> None:
    (first,) = (each.stem.removeprefix("signing-") for each in host.host.keys.glob("*.pem"))
    old = lane.data()
    with Typed(host, commands_of("keys.md"), KEY=first) as page:
        page.type_all("keys list", "keys create", "keys rotate")
        page.type_all("restamp", "restamp", "keys revoke", "keys revoke")
        # Then the key that signs is lost.
        for each in host.host.keys.glob("signing-*.pem"):
            each.unlink()
        page.type_all("keys create", "keys rotate")
    assert lane.data() == old
