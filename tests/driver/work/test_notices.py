"""People are told, and whoever is told can never be in the way."""

import json
import re
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from launchplane_lane_contracts.vocabulary import RolloutState
from launchplane_lane_driver import operations, planning
from launchplane_lane_driver.audience import told_to
from launchplane_lane_driver.lane_office import LaneOffice, utc_now
from launchplane_lane_driver.notice import Notice, NoticeKind
from launchplane_lane_driver.notices import due_notices
from launchplane_lane_driver.telling import Teller
from tests.driver.sample import CM
from tests.driver.small_host import SmallHost, SmallLane, resettable_policy
from tests.typed_pages import text_of

NOTICE = Notice(kind=NoticeKind.REBUILD_SETTLED, lane=CM, message="It is over.", at=utc_now())
Listener = Callable[[Notice], object]


class Room:
    """Whoever listens."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def listeners(self) -> tuple[Listener, ...]:
        return self._listeners


def rebuilt(host: SmallHost, lane: SmallLane, *listeners: Listener) -> str:
    """A whole rebuild while these listen; how far it came."""
    with told_to(Room(*listeners)):
        office = LaneOffice.open(host.host)
    made = planning.plan(office, host.request(lane))
    operation = planning.authorize(office, made.plan_digest)
    operations.start(office, operation.operation_id)
    lane.materialise()
    done = operations.finish(office, operation.operation_id, succeeded=True)
    office.close()
    return done.phase.value


def test_who_fails_is_slow_or_leaves_changes_nothing(host: SmallHost, lane: SmallLane) -> None:
    never, heard = threading.Event(), list[Notice]()

    def failing(_notice: Notice) -> None:
        raise RuntimeError("out of order")

    def leaving(_notice: Notice) -> None:
        sys.exit(1)

    assert (
        rebuilt(host, lane, failing, lambda _notice: never.wait(), leaving, heard.append)
        == "settled"
    )
    assert [each.kind for each in heard] == [NoticeKind.REBUILD_SETTLED]
    never.set()
    # And with nobody there.
    assert rebuilt(host, lane) == "settled"


def test_waiting_ends_although_a_listener_does_not() -> None:
    never, entered = threading.Event(), threading.Event()

    def stuck(_notice: Notice) -> None:
        entered.set()
        never.wait()

    with told_to(Room(stuck)):
        teller = Teller(patience=0.1)
    # More than are told at once: nothing grows without end.
    for _number in range(500):
        teller.tell(NOTICE)
    assert entered.wait(30)
    teller.wait()
    assert sum(each.name == "lane-authority-notice" for each in threading.enumerate()) <= 64
    never.set()


def installed(folder: Path, name: str, code: str) -> Path:
    """A package of somebody else's, with a driver in it."""
    package = folder / f"{name}-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(f"[launchplane.drivers]\n{name} = {name}\n")
    (folder / f"{name}.py").write_text(code)
    return folder


def test_a_broken_listener_that_is_installed_changes_nothing(
    host: SmallHost, production: SmallLane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = installed(tmp_path / "installed", "broken_listener", "raise SystemExit(9)\n")
    monkeypatch.setattr(sys, "path", [str(broken), *sys.path])
    office = LaneOffice.open(host.host)
    made = planning.plan(office, host.request(production))
    office.close()
    assert not made.decision.allowed
    host.office.store.verify_ledger()


def test_an_installed_listener_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    code = (
        "from launchplane_lane_driver.hookspecs import hookimpl\n\n\n"
        "@hookimpl\n"
        "def launchplane_notify(notice):\n"
        f"    open({str(told)!r}, 'a').write(notice.kind + '\\n')\n"
    )
    folder = installed(tmp_path / "installed", "a_listener", code)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    teller = Teller(patience=60.0)
    teller.tell(NOTICE)
    teller.wait()
    assert told.read_text().split() == ["rebuild_settled"]


def test_data_that_somebody_copied_is_told_of(host: SmallHost, lane: SmallLane) -> None:
    heard = list[Notice]()
    other = host.add_lane("opw")
    host.record_policy(resettable_policy(other.lane))
    other.execute(f'DROP DATABASE "{other.database}"')
    other.execute(f'CREATE DATABASE "{other.database}" TEMPLATE "{lane.database}"')
    with told_to(Room(heard.append)):
        office = LaneOffice.open(host.host)
    planning.plan(office, host.request(other))
    office.close()
    assert [(each.kind, each.facts["marker"]) for each in heard] == [
        (NoticeKind.OTHER_DATA_SEEN, "foreign")
    ]


def test_time_alone_is_told_by_the_command_for_cron(host: SmallHost, bare: SmallLane) -> None:
    assert "Nothing is due" in host.operate("notify", "--due").stdout
    until = utc_now() + timedelta(days=3)
    host.record_policy(
        resettable_policy(
            bare.lane, rollout_state=RolloutState.PROVISIONAL, provisional_until=until
        )
    )
    host.enrol(bare)
    begun = host.begin(bare)
    soon = json.loads(host.operate("notify", "--due", "--json").stdout)
    assert [each["kind"] for each in soon] == ["provisional_ends_soon"]
    all_of_it = host.operate("notify", "--due", "--unfinished-after", "0")
    assert all_of_it.code == 0
    assert "provisional_ends_soon" in all_of_it.stdout
    assert f"lane-authority undo {begun.operation_id}" in all_of_it.stdout
    assert host.operate("notify", "--due", "--unfinished-after", "-1").code == 2
    assert host.operate("notify").code == 2
    store = host.office.store
    later = [
        each.kind
        for each in due_notices(
            store.policies().values(), store.operations(), until + timedelta(days=1)
        )
    ]
    assert later == [NoticeKind.PROVISIONAL_HAS_ENDED, NoticeKind.REBUILD_UNFINISHED]


def test_the_page_names_every_notice() -> None:
    named = set(re.findall(r"`([a-z]+_[a-z_]+)`", text_of("audit.md")))
    assert named - {"launchplane_notify"} == {each.value for each in NoticeKind}
