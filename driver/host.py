"""Calling drivers closed: pluggy lets an unanswered question pass, this host does not."""

from collections import Counter
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, TypeVar

import pluggy

from launchplane_lane_contracts.errors import CouldNotTell, LaneAuthorityError, Refused
from launchplane_lane_contracts.evidence import Evidence
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.plan import Plan
from launchplane_lane_contracts.policy import LiveTarget
from launchplane_lane_contracts.read_model import LaneView
from launchplane_lane_contracts.reasons import ReasonCode, reason
from launchplane_lane_contracts.request import FreshVolumes, Request

from . import hookspecs
from .answers import DriverDescription, Verdict
from .audience import told_to
from .descriptor import DRIVER_ID
from .host_identity import HostIdentity
from .notice import Notice

ENTRY_POINT_GROUP = "launchplane.drivers"
DRIVER = DRIVER_ID

Answer = TypeVar("Answer")


class DriverHost:
    """Every registered driver, of which one must be ours by name."""

    def __init__(self, manager: pluggy.PluginManager, required: str = DRIVER) -> None:
        self._manager = manager
        self._required = required

    @classmethod
    def from_entry_points(cls, required: str = DRIVER) -> "DriverHost":
        """Load every driver that is installed.

        Raises CouldNotTell when one cannot be loaded, when two go by one name, or when the required
        one is not there.
        """
        named = Counter(each.name for each in entry_points(group=ENTRY_POINT_GROUP))
        for name, packages in named.items():
            if packages > 1:
                # pluggy takes the first that it finds, and the other is never asked.
                raise _unavailable(f"{packages} installed packages call their driver {name}")
        manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
        manager.add_hookspecs(hookspecs)
        try:
            manager.load_setuptools_entrypoints(ENTRY_POINT_GROUP)
        except (Exception, SystemExit) as problem:
            # Whatever a foreign package raises while it is imported: it is not there to be asked.
            raise _unavailable(f"a driver could not be loaded ({type(problem).__name__})") from None
        host = cls(manager, required)
        host.check()
        return host

    def register(self, plugin: object, name: str) -> None:
        """Add one more driver. Raises CouldNotTell when it has hooks that nobody would call."""
        self._manager.register(plugin, name=name)
        self.check()

    def check(self) -> None:
        """See that the required driver is there and that no hook's name is misspelled."""
        if not self._manager.has_plugin(self._required):
            raise _unavailable(f"the driver {self._required} is not registered")
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as problem:
            raise _unavailable(str(problem)) from None

    def describe(self) -> tuple[DriverDescription, ...]:
        """Who is registered."""
        return self._ask("launchplane_describe_driver", DriverDescription)

    def review(self, host_directory: str, request: Request) -> Plan:
        """The plan; refused when any driver refuses. Raises Refused, CouldNotTell."""
        answers = self._ask(
            "launchplane_review_rebuild",
            (Plan, Verdict),
            host_directory=host_directory,
            request=request,
        )
        plans = [each for each in answers if isinstance(each, Plan)]
        _raise_refusals([each for each in answers if isinstance(each, Verdict)])
        if len(plans) != 1:
            raise _unavailable(f"{len(plans)} drivers made a plan, one was expected")
        return plans[0]

    def approve(
        self, host_directory: str, digest: str, identity: HostIdentity
    ) -> tuple[Verdict, ...]:
        """All verdicts, when all allow. Raises Refused, CouldNotTell.

        `identity` is whom the host application itself has authenticated, and nothing that
        somebody typed.
        """
        return self._all_allow(
            "launchplane_approve", host_directory=host_directory, digest=digest, identity=identity
        )

    def authorize(self, host_directory: str, plan_digest: str) -> tuple[Verdict, ...]:
        """All verdicts, when all allow. Raises Refused, CouldNotTell."""
        return self._all_allow(
            "launchplane_authorize_rebuild", host_directory=host_directory, plan_digest=plan_digest
        )

    def before_provider_effect(
        self,
        host_directory: str,
        lane: Lane,
        effect_name: str,
        data_source: str = "",
        fresh_volumes: FreshVolumes | None = None,
        provider_target: LiveTarget | None = None,
    ) -> tuple[Verdict, ...]:
        """All verdicts, when all allow. Raises Refused, CouldNotTell.

        `provider_target` is the target that the effect is about to act on, read from the provider
        just now; without it nothing begins where the policy names one. The required driver is
        asked last: what it does when it allows must not be done when another one vetoes.
        """
        return self._all_allow(
            "launchplane_before_provider_effect",
            host_directory=host_directory,
            lane=lane,
            effect_name=effect_name,
            data_source=data_source,
            fresh_volumes=fresh_volumes,
            provider_target=provider_target,
        )

    def others_before_effect(
        self,
        host_directory: str,
        lane: Lane,
        effect_name: str,
        data_source: str = "",
        fresh_volumes: FreshVolumes | None = None,
    ) -> None:
        """See that no other driver vetoes. Raises Refused, CouldNotTell.

        For whoever then does by hand what the required driver does where it is asked.
        """
        self._all_allow(
            "launchplane_before_provider_effect",
            with_required=False,
            host_directory=host_directory,
            lane=lane,
            effect_name=effect_name,
            data_source=data_source,
            fresh_volumes=fresh_volumes,
        )

    def finish(
        self, host_directory: str, lane: Lane, *, succeeded: bool, report: str
    ) -> tuple[Verdict, ...]:
        """All verdicts, when all allow. Raises Refused, CouldNotTell."""
        return self._all_allow(
            "launchplane_finish_rebuild",
            host_directory=host_directory,
            lane=lane,
            succeeded=succeeded,
            report=report,
        )

    def undo(self, host_directory: str, lane: Lane) -> tuple[Verdict, ...]:
        """All verdicts, when all allow. Raises Refused, CouldNotTell."""
        return self._all_allow("launchplane_undo_rebuild", host_directory=host_directory, lane=lane)

    def record_evidence(self, host_directory: str, evidence: Evidence) -> tuple[Verdict, ...]:
        """All verdicts, when all allow. Raises Refused, CouldNotTell."""
        return self._all_allow(
            "launchplane_record_evidence", host_directory=host_directory, evidence=evidence
        )

    def lane_view(self, host_directory: str, lane: Lane) -> tuple[LaneView, ...]:
        """Every driver's view of one lane. Raises CouldNotTell; BadInput for an unknown lane."""
        return self._ask(
            "launchplane_lane_view", LaneView, host_directory=host_directory, lane=lane
        )

    def listeners(self) -> tuple[Callable[[Notice], object], ...]:
        """Whoever wants to hear of things, each by itself. Their answers are of no consequence."""
        found: list[Callable[[Notice], object]] = []
        plugins = self._manager.list_name_plugin()
        for _name, plugin in plugins:
            others = [other for _other, other in plugins if other is not plugin]
            caller = self._manager.subset_hook_caller("launchplane_notify", remove_plugins=others)
            if caller.get_hookimpls():
                found.append(lambda notice, caller=caller: caller(notice=notice))  # type: ignore[misc]
        return tuple(found)

    def lane_views(self, host_directory: str) -> tuple[LaneView, ...]:
        """Every driver's lanes."""
        answers = self._ask("launchplane_lane_views", (tuple, list), host_directory=host_directory)
        views = [view for each in answers for view in each]
        if not all(isinstance(view, LaneView) for view in views):
            raise _unavailable("a driver answered with something that is no lane view")
        return tuple(views)

    def _all_allow(
        self, hook: str, *, with_required: bool = True, **arguments: Any
    ) -> tuple[Verdict, ...]:
        verdicts = self._ask(
            hook,
            Verdict,
            stop=lambda verdict: not verdict.allowed,
            with_required=with_required,
            **arguments,
        )
        _raise_refusals(list(verdicts))
        return verdicts

    def _ask(
        self,
        hook: str,
        expected: type[Any] | tuple[type[Any], ...],
        stop: Callable[[Any], bool] | None = None,
        *,
        with_required: bool = True,
        **arguments: Any,
    ) -> tuple[Any, ...]:
        """Ask every driver by itself, the required one last; anything but an answer refuses."""
        self.check()
        plugins = sorted(
            self._manager.list_name_plugin(), key=lambda pair: pair[0] == self._required
        )
        answers: list[Any] = []
        for name, plugin in plugins:
            if name == self._required and not with_required:
                continue
            others = [other for _name, other in plugins if other is not plugin]
            caller = self._manager.subset_hook_caller(hook, remove_plugins=others)
            if not caller.get_hookimpls():
                if name == self._required:
                    raise _unavailable(f"{name} does not answer {hook}")
                continue
            try:
                with told_to(self):
                    found = caller(**arguments)
            except (LaneAuthorityError, KeyboardInterrupt):
                raise
            except BaseException as problem:
                # SystemExit(0) too: it would end our process as one that has done its work.
                raise _unavailable(f"{name} failed in {hook} ({type(problem).__name__})") from None
            if len(found) != 1 or not isinstance(found[0], expected) or _is_half_a_word(found[0]):
                raise _unavailable(f"{name} gave no valid answer to {hook}")
            answers.append(found[0])
            if stop is not None and stop(found[0]):
                break
        return tuple(answers)


def _is_half_a_word(answer: object) -> bool:
    """Whether it is a verdict that says neither yes nor no, made past the checks of its type."""
    return isinstance(answer, Verdict) and type(answer.allowed) is not bool


def _raise_refusals(verdicts: list[Verdict]) -> None:
    refused = [each for each in verdicts if not each.allowed]
    if not refused:
        return
    reasons = tuple(each for verdict in refused for each in verdict.reasons)
    if reasons:
        raise Refused.because(*reasons)
    raise Refused(
        "; ".join(
            f"{each.driver_id} refused: {each.message or 'no reason given'}" for each in refused
        )
    )


def _unavailable(detail: str) -> CouldNotTell:
    found = reason(
        ReasonCode.DRIVER_UNAVAILABLE,
        f"The drivers could not be asked: {detail}. Unasked counts as no.",
        "Install or repair the driver that is named, then try again.",
        detail=detail,
    )
    return CouldNotTell(f"{found.code}: {found.message}", (found,))
