"""The hook host is closed: what is not asked, not answered or not understood is a refusal."""

import inspect
import re
import sys
import threading
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
import pytest

from launchplane_lane_contracts.contract import Person
from launchplane_lane_contracts.errors import CouldNotTell, Refused
from launchplane_lane_contracts.evidence import Evidence
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.read_model import LaneView
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import DataSource, Operation
from launchplane_lane_driver import hookspecs, plugin
from launchplane_lane_driver.answers import DriverDescription, Verdict
from launchplane_lane_driver.host import DRIVER, ENTRY_POINT_GROUP, DriverHost
from launchplane_lane_driver.host_identity import HostIdentity
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.notice import Notice, NoticeKind
from launchplane_lane_driver.policy_changes import propose_policy
from tests.driver.small_host import (
    ANN,
    RITA,
    SmallHost,
    SmallLane,
    resettable_policy,
    untouched,
)

PAGE = Path(__file__).parents[3] / "docs" / "hooks.md"
HOOKS = {
    name: each
    for name, each in vars(hookspecs).items()
    if inspect.isfunction(each) and name.startswith("launchplane_")
}
EFFECT = "stable_bootstrap_schedule"
YES = Verdict(driver_id="another", allowed=True)
NO = Verdict(driver_id="another", allowed=False, message="not on a Friday")


def drivers(**others: object) -> DriverHost:
    """Our driver, and others after it by name."""
    manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name=DRIVER)
    host = DriverHost(manager)
    for name, each in others.items():
        host.register(each, name)
    return host


def plugin_with(**hooks: object) -> object:
    """A plugin module of its own."""
    made = ModuleType("another_driver")
    for name, hook in hooks.items():
        setattr(made, name, hook)
    return made


def answering(hook: str, answer: Callable[..., object]) -> object:
    """A driver that answers one hook."""
    return plugin_with(**{hook: hookspecs.hookimpl(answer)})


@pytest.fixture
def unavailable() -> Any:
    """Expect that the drivers count as not there."""
    return pytest.raises(CouldNotTell, match=ReasonCode.DRIVER_UNAVAILABLE)


# -- who is there ---------------------------------------------------------------------------


def test_our_entry_point_is_found_by_its_name() -> None:
    assert DRIVER in {each.name for each in entry_points(group=ENTRY_POINT_GROUP)}
    assert [each.driver_id for each in DriverHost.from_entry_points().describe()] == [DRIVER]


def test_without_the_named_driver_nothing_is_allowed(
    host: SmallHost, lane: SmallLane, unavailable: Any
) -> None:
    host.authorize(lane)
    manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    empty = DriverHost(manager)
    with untouched(lane):
        for ask in (
            empty.describe,
            lambda: empty.review(str(host.directory), host.request(lane)),
            lambda: empty.authorize(str(host.directory), "0" * 64),
            lambda: empty.before_provider_effect(str(host.directory), lane.lane, EFFECT),
            lambda: empty.finish(str(host.directory), lane.lane, succeeded=True, report=""),
            lambda: empty.lane_views(str(host.directory)),
            lambda: empty.lane_view(str(host.directory), lane.lane),
            lambda: empty.approve(str(host.directory), "0" * 64, identity(ANN)),
            lambda: empty.undo(str(host.directory), lane.lane),
            lambda: empty.record_evidence(str(host.directory), host.gate(lane)),
        ):
            with unavailable:
                ask()
    with unavailable:
        DriverHost.from_entry_points(required="odoo-lane-authorithy")


def test_a_misspelled_hook_is_not_passed_over(unavailable: Any) -> None:
    misspelled = plugin_with(launchplane_before_provider_efect=hookspecs.hookimpl(lambda lane: NO))
    with unavailable:
        drivers(another=misspelled)


@pytest.mark.parametrize("broken", ["ValueError('out of order')", "SystemExit(0)"])
def test_a_broken_entry_point_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unavailable: Any, broken: str
) -> None:
    install(tmp_path, monkeypatch, "broken", f"raise {broken}\n")
    with unavailable:
        DriverHost.from_entry_points()


def test_another_package_does_not_pass_for_the_named_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unavailable: Any, lane: SmallLane
) -> None:
    """It stands first on Python's path and says yes to everything, and ours would not be asked."""
    install(tmp_path, monkeypatch, DRIVER, YES_TO_ALL)
    with untouched(lane), unavailable:
        DriverHost.from_entry_points().before_provider_effect("/nowhere", lane.lane, EFFECT)


YES_TO_ALL = """
from launchplane_lane_driver import hookspecs
from launchplane_lane_driver.answers import Verdict

@hookspecs.hookimpl
def launchplane_before_provider_effect():
    return Verdict(driver_id="another", allowed=True)
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: str) -> None:
    """A package with an entry point of that name, before all others."""
    package = folder / "broken_driver-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-driver\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(f"[{ENTRY_POINT_GROUP}]\n{name} = broken_driver\n")
    (folder / "broken_driver.py").write_text(code)
    monkeypatch.delitem(sys.modules, "broken_driver", raising=False)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])


def test_a_driver_of_ours_that_does_not_answer_refuses(unavailable: Any) -> None:
    manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin_with(), name=DRIVER)
    with unavailable:
        DriverHost(manager).describe()


# -- each hook ------------------------------------------------------------------------------


def raising(**_arguments: object) -> None:
    raise RuntimeError("out of order")


def leaving(**_arguments: object) -> None:
    """It would end our process as if everything had been done."""
    raise SystemExit(0)


def half_a_no(**_arguments: object) -> Verdict:
    """What was made past the checks of its type; a word is true, whatever it says."""
    return NO.model_copy(update={"allowed": "no"})


def nothing(**_arguments: object) -> None:
    return None


def a_word(**_arguments: object) -> str:
    return "yes"


def identity(person: Person, *, application: str = "launchplane") -> HostIdentity:
    """Somebody who is logged in at the host application."""
    return HostIdentity(
        person=person, application=application, subject="account 7", authenticated_at=utc_now()
    )


def as_hook(hook: str, answer: Callable[..., object]) -> Callable[..., object]:
    """The answer with the parameters that the hook has."""
    names = list(inspect.signature(HOOKS[hook]).parameters)
    scope: dict[str, Any] = {"answer": answer}
    given = ", ".join(f"{name}={name}" for name in names)
    exec(f"def {hook}({', '.join(names)}): return answer({given})", scope)  # noqa: S102
    made: Callable[..., object] = scope[hook]
    return made


def refuses_bad_answers(hook: str, ask: Callable[[DriverHost], object]) -> None:
    """No answer, an exception and another type: each refuses, whatever ours would say."""
    for bad in (raising, leaving, nothing, a_word, half_a_no):
        with pytest.raises(CouldNotTell, match=ReasonCode.DRIVER_UNAVAILABLE):
            ask(drivers(another=answering(hook, as_hook(hook, bad))))


def test_launchplane_describe_driver() -> None:
    (found,) = drivers().describe()
    assert isinstance(found, DriverDescription)
    assert found.descriptor is not None
    assert found.descriptor.driver_id == DRIVER
    refuses_bad_answers("launchplane_describe_driver", lambda each: each.describe())


def test_launchplane_review_rebuild(host: SmallHost, lane: SmallLane) -> None:
    hook, directory, request = "launchplane_review_rebuild", str(host.directory), host.request(lane)
    with untouched(lane):
        planned = drivers().review(directory, request)
        assert isinstance(planned, Plan)
        assert planned.decision.allowed
        refuses_bad_answers(hook, lambda each: each.review(directory, request))
        veto = answering(hook, as_hook(hook, lambda **_given: NO))
        with pytest.raises(Refused, match="not on a Friday"):
            drivers(another=veto).review(directory, request)
        second = answering(hook, as_hook(hook, lambda **_given: planned))
        with pytest.raises(CouldNotTell):
            drivers(another=second).review(directory, request)


def test_launchplane_approve(host: SmallHost, production: SmallLane) -> None:
    hook, directory = "launchplane_approve", str(host.directory)
    policy = resettable_policy(production.lane)
    digest = propose_policy(host.office, policy, proposer=RITA, why="a test").digest

    def ask(each: DriverHost, person: Person = ANN) -> tuple[Verdict, ...]:
        return each.approve(directory, digest, identity(person))

    refuses_bad_answers(hook, ask)
    veto = answering(hook, as_hook(hook, lambda **_given: NO))
    with pytest.raises(Refused, match="not on a Friday"):
        ask(drivers(another=veto))
    assert host.office.store.approvals(digest) == ()
    friend = answering(hook, as_hook(hook, lambda **_given: YES))
    with pytest.raises(Refused, match=ReasonCode.APPROVALS_MISSING):
        ask(drivers(another=friend), Person("mallory"))
    assert ask(drivers())
    assert [each.person for each in host.office.approvals(digest)] == [ANN]


def test_launchplane_authorize_rebuild(host: SmallHost, lane: SmallLane) -> None:
    hook, directory = "launchplane_authorize_rebuild", str(host.directory)
    digest = host.plan(lane).plan_digest
    refuses_bad_answers(hook, lambda each: each.authorize(directory, digest))
    veto = answering(hook, as_hook(hook, lambda **_given: NO))
    with pytest.raises(Refused, match="not on a Friday"):
        drivers(another=veto).authorize(directory, digest)
    assert host.office.store.live_operation(lane.lane) is None
    (verdict,) = drivers().authorize(directory, digest)
    held = host.office.store.live_operation(lane.lane)
    assert held is not None
    assert verdict.operation_id == held.operation_id
    # Another driver's yes does not make ours one.
    friend = answering(hook, as_hook(hook, lambda **_given: YES))
    with pytest.raises(Refused, match=ReasonCode.LANE_BUSY):
        drivers(another=friend).authorize(directory, digest)


def test_launchplane_before_provider_effect(
    host: SmallHost, lane: SmallLane, production: SmallLane
) -> None:
    hook, directory = "launchplane_before_provider_effect", str(host.directory)

    def ask(each: DriverHost, which: SmallLane = lane) -> object:
        return each.before_provider_effect(directory, which.lane, EFFECT)

    friend = answering(hook, as_hook(hook, lambda **_given: YES))
    with untouched(production), pytest.raises(Refused, match=ReasonCode.NO_OPERATION_AUTHORIZED):
        ask(drivers(another=friend), production)
    operation = host.authorize(lane)
    veto = answering(hook, as_hook(hook, lambda **_given: NO))
    with untouched(lane):
        refuses_bad_answers(hook, ask)
        # Ours is asked last: although it would allow, it has done nothing yet.
        with pytest.raises(Refused, match="not on a Friday"):
            ask(drivers(another=veto))
        assert host.phase(operation) == "authorized"
    assert ask(drivers(another=friend))
    assert host.phase(operation) == "begun"


def test_launchplane_finish_rebuild(host: SmallHost, lane: SmallLane) -> None:
    hook, directory = "launchplane_finish_rebuild", str(host.directory)
    begun = host.begin(lane)
    lane.materialise()

    def ask(each: DriverHost) -> tuple[Verdict, ...]:
        return each.finish(directory, lane.lane, succeeded=True, report="")

    refuses_bad_answers(hook, ask)
    veto = answering(hook, as_hook(hook, lambda **_given: NO))
    with untouched(lane), pytest.raises(Refused, match="not on a Friday"):
        ask(drivers(another=veto))
    with untouched(lane), pytest.raises(Refused, match=ReasonCode.MATERIALISER_FAILED):
        drivers().finish(directory, lane.lane, succeeded=False, report="disk full")
    # What is neither yes nor no is no; what the workflow said may be any bytes.
    told: Any = "fail"
    with untouched(lane), pytest.raises(Refused, match=ReasonCode.MATERIALISER_FAILED):
        drivers().finish(directory, lane.lane, succeeded=told, report="disk \udcff full")
    assert host.phase(begun) == "begun"
    assert ask(drivers())[0].allowed
    assert host.phase(begun) == "settled"
    with pytest.raises(Refused, match=ReasonCode.NO_OPERATION_AUTHORIZED):
        ask(drivers())


def test_launchplane_undo_rebuild(host: SmallHost, lane: SmallLane) -> None:
    hook, directory = "launchplane_undo_rebuild", str(host.directory)

    def ask(each: DriverHost) -> tuple[Verdict, ...]:
        return each.undo(directory, lane.lane)

    before = lane.data()
    begun = host.begin(lane)
    lane.materialise()
    refuses_bad_answers(hook, ask)
    veto = answering(hook, as_hook(hook, lambda **_given: NO))
    with untouched(lane), pytest.raises(Refused, match="not on a Friday"):
        ask(drivers(another=veto))
    assert host.phase(begun) == "begun"
    assert ask(drivers())
    assert host.phase(begun) == "undone"
    assert lane.data() == before
    friend = answering(hook, as_hook(hook, lambda **_given: YES))
    with pytest.raises(Refused, match=ReasonCode.NO_OPERATION_AUTHORIZED):
        ask(drivers(another=friend))


def test_launchplane_record_evidence(host: SmallHost, production: SmallLane) -> None:
    hook, directory = "launchplane_record_evidence", str(host.directory)
    gate = host.gate(production)

    def ask(each: DriverHost, found: Evidence = gate) -> tuple[Verdict, ...]:
        return each.record_evidence(directory, found)

    refuses_bad_answers(hook, ask)
    veto = answering(hook, as_hook(hook, lambda **_given: NO))
    with pytest.raises(Refused, match="not on a Friday"):
        ask(drivers(another=veto))
    assert host.office.store.evidence(production.lane).gates == ()
    friend = answering(hook, as_hook(hook, lambda **_given: YES))
    with pytest.raises(Refused, match=ReasonCode.BACKUP_GATE_OTHER_DATA):
        ask(drivers(another=friend), gate.model_copy(update={"generation": 99}))
    assert ask(drivers(another=friend))
    assert host.office.store.evidence(production.lane).gates == (gate,)


def test_launchplane_notify(host: SmallHost, production: SmallLane) -> None:
    heard: list[Notice] = []
    listener = answering("launchplane_notify", lambda notice: heard.append(notice))
    with untouched(production):
        made = drivers(listener=listener).review(str(host.directory), host.request(production))
    assert not made.decision.allowed
    assert [each.kind for each in heard] == [NoticeKind.REFUSED_ON_PRODUCTION]
    assert heard[0].lane == production.lane


def test_no_answer_to_a_notice_is_in_the_way(host: SmallHost, lane: SmallLane) -> None:
    """Another driver says no to a notice, fails, leaves or hangs; the rebuild is settled."""
    directory, heard, never = str(host.directory), threading.Barrier(5), threading.Event()

    def failing(_notice: Notice) -> None:
        heard.wait(60)
        raise RuntimeError("out of order")

    def leaving(_notice: Notice) -> None:
        heard.wait(60)
        raise SystemExit(1)

    def hanging(_notice: Notice) -> None:
        heard.wait(60)
        never.wait()

    def refusing(_notice: Notice) -> Verdict:
        heard.wait(60)
        return NO

    others = {
        each.__name__: answering(
            "launchplane_notify",
            as_hook("launchplane_notify", lambda notice, each=each: each(notice)),
        )
        for each in (failing, leaving, hanging, refusing)
    }
    asked = drivers(**others)
    planned = asked.review(directory, host.request(lane))
    asked.authorize(directory, planned.plan_digest)
    effect = "stable_bootstrap_schedule"
    asked.before_provider_effect(directory, lane.lane, effect, "")
    lane.materialise()
    (verdict,) = asked.finish(directory, lane.lane, succeeded=True, report="")
    (settled,) = host.office.store.operations(lane.lane)
    assert (settled.operation_id, settled.phase) == (verdict.operation_id, "settled")
    # Each of them was told; what came of it is of no consequence.
    heard.wait(60)
    never.set()


def test_launchplane_lane_view(host: SmallHost, lane: SmallLane) -> None:
    hook, directory = "launchplane_lane_view", str(host.directory)
    (view,) = drivers().lane_view(directory, lane.lane)
    assert isinstance(view, LaneView)
    assert view.lane == lane.lane
    assert view.choice(Operation.BOOTSTRAP, DataSource.EMPTY).enabled
    refuses_bad_answers(hook, lambda each: each.lane_view(directory, lane.lane))


def test_launchplane_lane_views(host: SmallHost, lane: SmallLane) -> None:
    hook, directory = "launchplane_lane_views", str(host.directory)
    (view,) = drivers().lane_views(directory)
    assert isinstance(view, LaneView)
    assert view.lane == lane.lane
    refuses_bad_answers(hook, lambda each: each.lane_views(directory))
    words = answering(hook, as_hook(hook, lambda **_given: ["a lane"]))
    with pytest.raises(CouldNotTell):
        drivers(another=words).lane_views(directory)


# -- the page and the tests -----------------------------------------------------------------


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_documented_with_its_signature(name: str) -> None:
    signature = inspect.signature(HOOKS[name], eval_str=False)
    text = re.sub(r"(?:[a-z_]+\.)+(?=[A-Z])", "", str(signature).replace("'", "").replace("~", ""))
    section = PAGE.read_text().split(f"## `{name}`")[1].split("## ")[0]
    assert f"def {name}{text}\n" in section


def test_the_page_names_no_other_hook() -> None:
    assert set(re.findall(r"^## `(\w+)`", PAGE.read_text(), re.MULTILINE)) == set(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_a_test_named_after_it(name: str) -> None:
    assert f"test_{name}" in globals()


def test_our_driver_answers_every_hook() -> None:
    assert {name for name in HOOKS if hasattr(plugin, name)} == set(HOOKS)
