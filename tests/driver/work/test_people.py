"""Whose signatures count: the files, while they are what is on record; changes are signed."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from launchplane_lane_contracts.approval import COOLING_OFF, Thresholds
from launchplane_lane_contracts.errors import BadInput, CouldNotTell, ExitCode, Refused
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.reasons import ReasonCode
from launchplane_lane_contracts.vocabulary import MarkerState
from launchplane_lane_driver import people_changes
from launchplane_lane_driver.approvals import record_approval, sign
from launchplane_lane_driver.host_directory import HostDirectory
from launchplane_lane_driver.lane_office import utc_now
from launchplane_lane_driver.lane_view import lane_view
from launchplane_lane_driver.people import begin_people, people_in_files, people_that_count
from launchplane_lane_driver.people_changes import apply_people, propose_people
from launchplane_lane_driver.policy_changes import apply_policy, propose_policy
from tests.driver.behind import clock_behind
from tests.driver.lives.test_reconcile import put_back
from tests.driver.small_host import ANN, BEN, RITA, SmallHost, SmallLane, resettable_policy
from tests.driver.work.conftest import Around
from tests.system.people import make_people


def add_eve(host: SmallHost, folder: Path) -> str:
    """Somebody adds a line for Eve, and her key. Gives what the file held before."""
    before = host.host.approvers_file.read_text()
    make_people(folder / "eve", host.host.approvers_file, ("eve",))
    return before


def code_of(caught: pytest.ExceptionInfo[Refused]) -> ReasonCode:
    """The one reason of a refusal."""
    (found,) = caught.value.reasons
    assert found.remedy
    return found.code


def test_who_adds_herself_makes_nobody_s_signature_count(host: SmallHost, tmp_path: Path) -> None:
    before = add_eve(host, tmp_path)
    with pytest.raises(Refused) as caught:
        people_that_count(host.host, host.office.store)
    assert code_of(caught) is ReasonCode.APPROVERS_NOT_ON_RECORD
    assert host.office.people() is None
    host.host.approvers_file.write_text(before)
    assert host.office.people() is not None


def test_signatures_given_before_do_not_count_while_the_file_is_another(
    host: SmallHost, tmp_path: Path
) -> None:
    before = add_eve(host, tmp_path)
    proposed = propose_people(host.office, proposer=RITA, why="she joined us")
    host.sign(proposed.digest, ANN, BEN)
    assert host.office.approvals(proposed.digest) == ()
    host.host.approvers_file.write_text(before)
    assert {each.person for each in host.office.approvals(proposed.digest)} == {ANN, BEN}


def test_an_approver_is_added_by_two_others_and_the_one_who_asks(
    host: SmallHost, tmp_path: Path
) -> None:
    add_eve(host, tmp_path)
    proposed = propose_people(host.office, proposer=RITA, why="she joined us")
    assert proposed.loosens
    host.sign(proposed.digest, RITA, ANN)
    with pytest.raises(Refused) as caught:
        apply_people(host.office, proposed.digest)
    assert code_of(caught) is ReasonCode.APPROVALS_MISSING
    host.sign(proposed.digest, BEN)
    apply_people(host.office, proposed.digest)
    assert host.office.people() == people_in_files(host.host)
    with pytest.raises(BadInput):
        propose_people(host.office, proposer=RITA, why="once more")


def without(host: SmallHost, person: str) -> None:
    """Somebody takes a person's line out of the file."""
    lines = host.host.approvers_file.read_text().splitlines(keepends=True)
    left = [line for line in lines if not line.startswith(f"{person} ")]
    assert len(left) == len(lines) - 1
    host.host.approvers_file.write_text("".join(left))


def test_an_approver_is_removed_by_anybody_at_once_as_long_as_enough_are_left(
    host: SmallHost, tmp_path: Path
) -> None:
    add_eve(host, tmp_path)
    joined = propose_people(host.office, proposer=RITA, why="she joined us")
    host.sign(joined.digest, RITA, ANN, BEN)
    apply_people(host.office, joined.digest)
    without(host, BEN)
    proposed = propose_people(host.office, proposer=RITA, why="he left")
    assert (proposed.loosens, proposed.tally.required) == ((), 0)
    apply_people(host.office, proposed.digest)
    recorded = host.office.people()
    assert recorded is not None
    assert BEN not in recorded.approvers
    # With one fewer nobody could ever be added again: the numbers are lowered first.
    three = host.host.approvers_file.read_text()
    without(host, "eve")
    with pytest.raises(BadInput, match=r"2 of 3 people .*thresholds\.toml first"):
        propose_people(host.office, proposer=RITA, why="she left")
    host.host.approvers_file.write_text(three)
    host.host.thresholds_file.write_text("grave = 1\n")
    lowered = propose_people(host.office, proposer=RITA, why="we are but two")
    key = tmp_path / "eve" / "eve"
    record_approval(
        recorded, host.office.store, lowered.digest, sign(lowered.digest, key), utc_now()
    )
    host.sign(lowered.digest, RITA, ANN)
    apply_people(host.office, lowered.digest)
    without(host, "eve")
    apply_people(host.office, propose_people(host.office, proposer=RITA, why="she left").digest)
    assert host.office.people() == people_in_files(host.host)


def test_of_just_enough_people_one_gets_a_new_key_in_one_sitting(
    host: SmallHost, tmp_path: Path
) -> None:
    """All the while the file differs, a signature by the stolen key counts for nothing else."""
    policy = resettable_policy(Lane.parse("a/b/c"))
    loosened = propose_policy(host.office, policy, proposer=RITA, why="it is new").digest
    host.sign(loosened, RITA, ANN, BEN)
    without(host, BEN)
    with pytest.raises(BadInput, match=r"2 of 3 people .* that person's new key, in that place"):
        propose_people(host.office, proposer=RITA, why="his key was stolen")
    assert host.office.approvals(loosened) == ()
    new = make_people(tmp_path / "new", host.host.approvers_file, (BEN,))[BEN]
    proposed = propose_people(host.office, proposer=RITA, why="his key was stolen")
    host.sign(proposed.digest, RITA, ANN, BEN)
    recorded = apply_people(host.office, proposed.digest)
    assert {each.person for each in host.office.approvals(loosened)} == {RITA, ANN}
    store = host.office.store
    with pytest.raises(Refused, match="with a key that no longer counts"):
        record_approval(recorded, store, loosened, sign(loosened, new.key_file), utc_now())
    again = propose_policy(host.office, policy, proposer=RITA, why="once more").digest
    record_approval(recorded, store, again, sign(again, new.key_file), utc_now())
    assert {each.person for each in host.office.approvals(again)} == {BEN}


def test_of_just_enough_people_one_who_will_not_sign_is_replaced_by_beginning_anew(
    host: SmallHost, lane: SmallLane, tmp_path: Path
) -> None:
    before = lane.data()
    without(host, BEN)
    eve = make_people(tmp_path / "eve", host.host.approvers_file, ("eve",))["eve"]
    proposed = propose_people(host.office, proposer=RITA, why="he is not to be trusted")
    host.sign(proposed.digest, RITA, ANN)
    with pytest.raises(Refused) as caught:
        apply_people(host.office, proposed.digest)
    assert code_of(caught) is ReasonCode.APPROVALS_MISSING
    put_back(host, None)
    assert host.operate("reconcile", "--now").code == 0
    recorded = host.office.people()
    assert recorded == people_in_files(host.host)
    # Those three sign what is grave at once, and he signs nothing.
    loosened = propose_policy(
        host.office, resettable_policy(lane.lane), proposer=RITA, why="as it was"
    )
    with pytest.raises(Refused, match="nobody's in the approvers file"):
        host.sign(loosened.digest, BEN)
    host.sign(loosened.digest, RITA, ANN)
    record_approval(
        recorded, host.office.store, loosened.digest, sign(loosened.digest, eve.key_file), utc_now()
    )
    apply_policy(host.office, loosened.digest)
    assert lane_view(host.office, lane.lane).marker.value is MarkerState.BOUND
    assert lane.data() == before


@pytest.mark.parametrize("line", ["eve ssh-ed25519 AAAA", "eve", "e* {key}", "eve {blob}"])
def test_a_line_that_openssh_cannot_read_is_not_recorded(host: SmallHost, line: str) -> None:
    before, recorded = host.host.approvers_file.read_text(), host.office.people()
    key = " ".join(before.splitlines()[0].split()[-2:])
    broken = line.format(key=key, blob=key.split()[1])
    host.host.approvers_file.write_text(f"{before}{broken}\n")
    with pytest.raises(BadInput, match="this line is nobody's"):
        propose_people(host.office, proposer=RITA, why="she joined us")
    assert host.office.store.people() == recorded
    # Nor at the very beginning.
    elsewhere = HostDirectory.initialise(host.folder / "elsewhere")
    elsewhere.approvers_file.write_text(f"{before}{broken}\n")
    begun = host.operate("--host-directory", str(elsewhere.path), "init")
    assert (begun.code, "this line is nobody's" in begun.stderr) == (2, True)
    shown = host.operate("--host-directory", str(elsewhere.path), "approvers", "show", "--json")
    assert '"on_record": null' in shown.stdout


def test_a_company_of_one_says_so_at_the_beginning(host: SmallHost) -> None:
    elsewhere = HostDirectory.initialise(host.folder / "elsewhere")
    only = host.host.approvers_file.read_text().splitlines()[0]
    elsewhere.approvers_file.write_text(f"{only}\n")
    begin = ("--host-directory", str(elsewhere.path), "init")
    refusal = host.operate(*begin)
    assert (refusal.code, "1 of 3 people" in refusal.stderr) == (2, True)
    assert str(elsewhere.thresholds_file) in refusal.stderr
    elsewhere.thresholds_file.write_text("consequential = 0\ngrave = 0\n")
    begun = host.operate(*begin)
    assert (begun.code, f"On record: {only.split()[0]}." in begun.stdout) == (0, True)


def test_fewer_approvers_are_signed_for_and_then_count(host: SmallHost) -> None:
    host.host.thresholds_file.write_text("consequential = 0\ngrave = 0\n")
    assert host.office.thresholds() == Thresholds()
    proposed = propose_people(host.office, proposer=RITA, why="we are but one")
    host.sign(proposed.digest, RITA, ANN, BEN)
    apply_people(host.office, proposed.digest)
    assert host.office.thresholds() == Thresholds(consequential=0, grave=0)


def test_a_company_of_one_waits_a_day_for_what_is_grave(
    host: SmallHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test_fewer_approvers_are_signed_for_and_then_count(host)
    host.host.thresholds_file.unlink()
    raised = propose_people(host.office, proposer=RITA, why="we are three")
    assert (raised.loosens, raised.tally.required) == ((), 0)
    add_eve(host, tmp_path)
    host.host.thresholds_file.write_text("consequential = 0\ngrave = 0\n")
    proposed = propose_people(host.office, proposer=RITA, why="she joined me")
    host.sign(proposed.digest, RITA)
    with pytest.raises(Refused) as caught:
        apply_people(host.office, proposed.digest)
    assert "wait until" in caught.value.message
    proposed_at = host.office.store.proposal(proposed.digest).proposed_at
    monkeypatch.setattr(people_changes, "utc_now", lambda: proposed_at + COOLING_OFF)
    assert apply_people(host.office, proposed.digest).lines


def test_a_clock_that_is_behind_shortens_no_cooling_off(around: Around, tmp_path: Path) -> None:
    lane = Lane.parse("odoo-tenant-cm/cm/prod")
    numbers = "consequential = 0\ngrave = 0\n"
    with clock_behind(timedelta(hours=25).total_seconds()):
        alone = SmallHost(
            around.cluster,
            around.forks,
            tmp_path,
            around.people,
            around.approvers,
            thresholds=numbers,
        )
        old = propose_policy(
            alone.office, resettable_policy(lane), proposer=RITA, why="alone"
        ).digest
        alone.sign(old, RITA)
    file, key = tmp_path / "policy.json", str(around.people[RITA].key_file)
    file.write_bytes(resettable_policy(lane, replaced_kept_for=timedelta(days=1)).canonical())
    propose = ("policy", "propose", str(file), "--reason", "alone", "--json")
    try:
        # What was signed when it was proposed counts after the cooling-off, and can be said so.
        again = alone.operate("approve", old, "--key", key, "--yes")
        assert again.code == ExitCode.DONE, again
        assert "24 hours from the end of the cooling-off" in again.stdout
        new = json.loads(alone.operate(*propose).stdout)["digest"]
        before = alone.office.store.ledger_head()
        with clock_behind(90_000), pytest.raises(Refused) as caught:
            propose_policy(
                alone.office,
                resettable_policy(lane, backup_max_age=timedelta(days=2)),
                proposer=RITA,
                why="x",
            )
        assert code_of(caught) is ReasonCode.CLOCK_UNRELIABLE
        signed = alone.operated(90_000, "approve", new, "--key", key, "--yes")
        assert (signed.code, "clock_unreliable" in signed.stderr) == (ExitCode.REFUSED, True)
        add_eve(alone, tmp_path)
        asked = alone.operated(90_000, "approvers", "propose", "--reason", "she joined me")
        assert (asked.code, "clock_unreliable" in asked.stderr) == (ExitCode.REFUSED, True)
        assert alone.office.store.ledger_head() == before
        alone.host.approvers_file.write_text(around.approvers)
        assert alone.operate("policy", "apply", new).code == ExitCode.REFUSED
        assert alone.operate("policy", "apply", old).code == ExitCode.DONE
    finally:
        alone.close()


def test_what_was_reviewed_is_what_is_recorded(host: SmallHost, tmp_path: Path) -> None:
    add_eve(host, tmp_path)
    proposed = propose_people(host.office, proposer=RITA, why="she joined us")
    host.sign(proposed.digest, RITA, ANN, BEN)
    with host.host.approvers_file.open("a") as file:
        file.write("mallory ssh-ed25519 AAAA\n")
    with pytest.raises(Refused) as caught:
        apply_people(host.office, proposed.digest)
    assert code_of(caught) is ReasonCode.PLAN_CHANGED


def test_the_beginning_is_recorded_once(host: SmallHost, tmp_path: Path) -> None:
    recorded = host.office.store.people()
    add_eve(host, tmp_path)
    now = host.office.store.proposal(
        propose_people(host.office, proposer=RITA, why="x").digest
    ).proposed_at
    assert begin_people(host.host, host.office.store, now) == recorded
    with pytest.raises(Refused):
        host.office.store.record_people(
            people_in_files(host.host),
            now=now + timedelta(seconds=1),
            change_digest=None,
            approvals_used=(),
        )
    assert host.office.store.people() == recorded


@pytest.mark.parametrize(
    "text",
    [
        "consequential = 2",
        "grave = -1",
        "routine = 0",
        "grave = [",
        "grave = 1979-05-27",
        "grave = " + "9" * 5000,
        "grave = " + "[" * 3000,
    ],
)
def test_numbers_that_make_no_sense_lower_nothing(host: SmallHost, text: str) -> None:
    host.host.thresholds_file.write_text(text)
    assert host.office.thresholds() == Thresholds()
    with pytest.raises(BadInput) as caught:
        people_in_files(host.host)
    assert str(host.host.thresholds_file) in caught.value.message


def test_files_that_others_can_write_are_not_relied_on(host: SmallHost) -> None:
    host.host.approvers_file.chmod(0o666)
    with pytest.raises(CouldNotTell):
        people_in_files(host.host)
    assert host.office.people() is None
