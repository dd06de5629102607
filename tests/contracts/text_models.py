"""Values of the models that have to do with text: files, mistakes, cases, comparisons."""

from launchplane_lane_contracts.contract import Contract
from launchplane_lane_contracts.decision_case import CaseAnswer, DecisionCase
from launchplane_lane_contracts.launchplane_policy import translate, write_as_launchplane
from launchplane_lane_contracts.launchplane_record import LaunchplaneBackupGate
from launchplane_lane_contracts.mistakes import Mistake
from launchplane_lane_contracts.policy_comparison import compare_policies
from launchplane_lane_contracts.vocabulary import DataSource, Operation

from .cases import NOW, a_policy, allowed_case, an_authoritative_policy

_CASE = allowed_case(Operation.RESTORE, DataSource.KEPT)
_WRITING = write_as_launchplane(a_policy())

TEXT_VALUES: tuple[Contract, ...] = (
    Mistake(path="lanes[2].lane", line=9, problem="it is no lane", found="3", accepted="text"),
    *compare_policies((an_authoritative_policy(),), (a_policy(),)),
    DecisionCase(
        policy=_CASE.policy, request=_CASE.request, observation=_CASE.observation, now=NOW
    ),
    LaunchplaneBackupGate(
        record_id="gate-1",
        context="cm",
        instance="prod",
        status="pass",
        evidence={"database_dump": "cm.dump"},
    ),
    _WRITING,
    _WRITING.record,
    _WRITING.record.odoo_data_policy,
    _WRITING.record.odoo_stable_bootstrap,
    _WRITING.mapping,
    translate(_WRITING.record, _WRITING.mapping),
    CaseAnswer(line=7, decision=_CASE.decide(), as_expected=False),
)
