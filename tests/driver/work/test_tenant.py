"""A tenant's declaration against the record, and a plan that reads it in the lane's image."""

import json

from launchplane_lane_contracts.contract import DatabaseName, FilestorePath
from launchplane_lane_contracts.policy import UpstreamSource
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from tests.declarations import declaration_text
from tests.driver.small_host import SmallHost, SmallLane, resettable_policy, untouched

SOURCE = UpstreamSource(
    name="the old server",
    host="old.example",
    database=DatabaseName("production"),
    filestore_path=FilestorePath("/srv/odoo/filestore"),
)
OTHER = SOURCE.model_copy(update={"database": DatabaseName("elsewhere")})
UPSTREAM = (Operation.RECREATE, DataSource.UPSTREAM_RESTORE)


def codes_of(host: SmallHost, lane: SmallLane) -> set[ReasonCode]:
    return {each.code for each in host.plan(lane, *UPSTREAM).decision.reasons}


def test_a_declaration_is_compared_with_the_record(host: SmallHost, bare: SmallLane) -> None:
    file = host.folder / "lane-declaration.toml"
    file.write_text(declaration_text(bare.lane, SOURCE))
    unknown = host.operate("tenant", "check", str(file), "--json")
    assert unknown.code == 50
    host.record_policy(
        resettable_policy(bare.lane, restore_from_upstream_allowed=True, upstream_source=SOURCE)
    )
    assert "It agrees with the record." in host.operate("tenant", "check", str(file)).stdout
    file.write_text(declaration_text(bare.lane, OTHER))
    done = host.operate("tenant", "check", str(file), "--json")
    assert done.code == 50
    (found,) = json.loads(done.stdout)["files"][0]["reasons"]
    assert found["code"] == ReasonCode.SOURCE_DISAGREES
    assert "database production and elsewhere" in found["message"]
    in_words = host.operate("tenant", "check", str(file))
    assert "Way on:" in in_words.stdout


def test_image_repository_and_record_must_say_the_same(host: SmallHost, bare: SmallLane) -> None:
    host.record_policy(
        resettable_policy(bare.lane, restore_from_upstream_allowed=True, upstream_source=SOURCE)
    )
    host.enrol(bare)
    file = host.folder / "lane-declaration.toml"
    with untouched(bare):
        assert codes_of(host, bare) == {ReasonCode.SOURCE_UNDECLARED}
        bare.declare(SOURCE)
        assert codes_of(host, bare) == set()
        file.write_text(declaration_text(bare.lane, OTHER))
        assert host.operate("tenant", "record", str(file)).code == 0
        assert codes_of(host, bare) == {ReasonCode.SOURCE_DISAGREES}
        file.write_text(declaration_text(bare.lane, SOURCE))
        assert host.operate("tenant", "record", str(file)).code == 0
        assert codes_of(host, bare) == set()
        bare.declare(OTHER)
        assert codes_of(host, bare) == {ReasonCode.SOURCE_DISAGREES}
        file.write_text(declaration_text(bare.lane))
        assert "nothing was recorded" in host.operate("tenant", "record", str(file)).stdout
