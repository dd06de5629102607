"""The workflows take what the real ones take, whichever of the two are tested."""

import inspect
import sys
from types import ModuleType

import pytest

from tests.standins import launchplane
from tests.standins.real_workflows import COMMON_KEYWORDS, KEYWORDS, VARIABLE, workflow


@pytest.mark.parametrize("name", KEYWORDS)
def test_each_takes_keywords_alone_and_a_checkpoint(name: str) -> None:
    parameters = inspect.signature(workflow(name)).parameters
    assert set(parameters) == COMMON_KEYWORDS | KEYWORDS[name]
    assert {each.kind for each in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


def test_somebody_elses_functions_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = ModuleType("their_launchplane")
    theirs.execute_odoo_prod_rollback = lambda: "theirs"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, theirs.__name__, theirs)
    monkeypatch.setenv(VARIABLE, f"{theirs.__name__}, ")
    assert workflow("execute_odoo_prod_rollback")() == "theirs"
    bootstrap = "execute_odoo_stable_bootstrap"
    assert workflow(bootstrap) is launchplane.execute_odoo_stable_bootstrap
    with pytest.raises(LookupError):
        workflow("execute_nothing")
