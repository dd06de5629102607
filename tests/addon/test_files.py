"""Files of a protected lane have their second name in the keep a moment after they arrive.

By effect, on a locked database that a running Odoo serves: attachments that somebody uploads.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from launchplane_lane_contracts.contract import SystemIdentifier
from launchplane_lane_contracts.marker import FILESTORE_TAG_NAME, FilestoreTag
from launchplane_lane_contracts.reading import RuntimeReading
from launchplane_lane_contracts.vocabulary import TagState
from launchplane_lane_guard.filestore import write_tag
from launchplane_lane_guard.filestore_repair import repair
from launchplane_lane_guard.settings import GuardSettings, settings_from_environment
from launchplane_lane_guard.shadow import SHADOWS
from launchplane_lane_guard.shadow_refresh import refresh
from tests.addon.conftest import Installation
from tests.addon.control_plane import ControlPlane
from tests.addon.odoo_lane import OdooLane, guard_environment, identity_json
from tests.addon.served_odoo import served
from tests.addon.stamping import policy, resettable, stamp, unstamp
from tests.addon.test_quarantine import CM, LOG, SERVER_WIDE, Browser, wait_for
from tests.addon.test_served import ask

pytestmark = pytest.mark.slow

LOOKED = "new file(s) of database"
NOT_LINKED = "are not linked into the keep"


@dataclass
class Desk:
    """A lane that is served, with its files, its keep and somebody who uploads."""

    lane: OdooLane
    control_plane: ControlPlane
    environment: dict[str, str]
    address: str = ""

    @property
    def filestore(self) -> Path:
        return self.lane.folder / "filestore" / self.lane.database

    @property
    def keep(self) -> Path:
        return Path(self.environment["LANE_AUTHORITY_KEEP"])

    @property
    def shadow(self) -> Path:
        """The shadow that belongs to the data that is served."""
        return self.keep / SHADOWS / f"{self.lane.cluster.system_identifier}-{self.oid}"

    @property
    def oid(self) -> int:
        ((oid,),) = self.lane.cluster.execute(
            f"SELECT oid::bigint FROM pg_database WHERE datname = '{self.lane.database}'"
        )
        return int(str(oid))

    def settings(self) -> GuardSettings:
        return settings_from_environment(self.environment)

    def log(self) -> str:
        return (self.lane.folder / "served.log").read_text()

    def upload(self, person: Browser, content: bytes) -> str:
        """Upload an attachment and wait until the addon has looked at it; gives the file's name."""
        looked = self.log().count(LOOKED)
        answer = person.ask(
            "/web/dataset/call_kw/ir.attachment/create",
            {
                "model": "ir.attachment",
                "method": "create",
                "args": [{"name": "ours", "datas": base64.b64encode(content).decode()}],
                "kwargs": {},
            },
        )
        assert answer["result"], answer
        wait_for("a look at the new file", lambda: self.log().count(LOOKED) > looked)
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        assert (self.filestore / digest[:2] / digest).read_bytes() == content
        return f"{digest[:2]}/{digest}"


@pytest.fixture
def desk(installation: Installation, tmp_path: Path) -> Iterator[Desk]:
    lane, keys = installation.lane, tmp_path / "keys.json"
    keep = lane.folder / "keep"
    keep.mkdir()
    desk = Desk(
        lane,
        ControlPlane(keys),
        {
            **guard_environment(lane),
            "LANE_AUTHORITY_KEEP": str(keep),
            "LANE_AUTHORITY_PUBLIC_KEYS": str(keys),
            "LAUNCHPLANE_RUNTIME_IDENTITY_JSON": identity_json(CM.product, CM.context, CM.instance),
        },
    )
    stamp(lane, desk.control_plane, policy(CM))
    tag = FilestoreTag(
        lane=CM,
        generation=1,
        system_identifier=SystemIdentifier(lane.cluster.system_identifier),
        database_oid=desk.oid,
        state=TagState.LIVE,
    )
    write_tag(desk.filestore, tag)
    lane.cluster.execute(f"ALTER DATABASE {lane.database} IS_TEMPLATE true")
    # Each worker is a process of its own, forked after the addon was loaded.
    options = (*SERVER_WIDE, "--workers", "2", "--log-handler", LOG)
    try:
        with served(lane, desk.environment, *options) as desk.address:
            yield desk
    finally:
        lane.cluster.execute(f"ALTER DATABASE {lane.database} IS_TEMPLATE false")
        (desk.filestore / FILESTORE_TAG_NAME).unlink()
        unstamp(lane)


def test_a_file_that_arrives_on_a_locked_lane_comes_back_when_it_is_lost(desk: Desk) -> None:
    answer = ask(desk.address, desk.control_plane.question(CM))
    assert RuntimeReading.from_json(answer.content).stays_listed_when_locked

    person = Browser(desk.address, desk.lane.database)
    first = desk.upload(person, b"written while nobody refreshed")
    assert (desk.shadow / first).samefile(desk.filestore / first)
    (desk.filestore / first).unlink()
    done = repair(desk.settings())
    assert (done.from_shadow, done.not_repaired.count) == (1, 0)
    assert (desk.filestore / first).read_bytes() == b"written while nobody refreshed"

    # Where the keep is out of reach, people go on as ever, and a refresh does what was left.
    away = desk.keep.with_name("away")
    desk.keep.rename(away)
    second = desk.upload(person, b"while the keep was away")
    away.rename(desk.keep)
    assert not (desk.shadow / second).exists()

    # A folder that lost its tag is not taken for the lane's; the tag is not made up either.
    tag = desk.filestore / FILESTORE_TAG_NAME
    content = tag.read_bytes()
    tag.unlink()
    third = desk.upload(person, b"while the tag was gone")
    assert NOT_LINKED in desk.log()
    assert not (desk.shadow / third).exists()
    assert not tag.exists()
    assert repair(desk.settings()).tag_written
    assert tag.read_bytes() == content

    fourth = desk.upload(person, b"and all is well again")
    assert (desk.shadow / fourth).samefile(desk.filestore / fourth)
    assert refresh(desk.settings()).linked > 0
    for name in (second, third):
        assert (desk.shadow / name).samefile(desk.filestore / name)

    # Data that may be made anew has no shadow.
    stamp(desk.lane, desk.control_plane, resettable(CM))
    fifth = desk.upload(person, b"nobody needs this twice")
    assert not (desk.shadow / fifth).exists()
