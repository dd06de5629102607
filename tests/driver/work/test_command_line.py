"""The command line: exit codes, JSON, no traceback for bad input, no secret in any output."""

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click
import pytest

from launchplane_lane_contracts.errors import ExitCode
from launchplane_lane_driver.commands.root import lane_authority
from launchplane_lane_driver.guard_client import show
from tests.backups.places import folder_in_memory
from tests.declarations import declaration_text
from tests.driver.fork_server import Done
from tests.driver.lives.test_clock import write_from_the_future
from tests.driver.small_host import SmallHost, SmallLane, resettable_policy, untouched

PAGE = Path(__file__).parents[3] / "docs" / "exit-codes.md"
POLICY = 'lane = "odoo-tenant-cm/cm/prod"\nrollout_state = "production"\n'


def quiet(done: Done) -> Done:
    """A run that told no traceback."""
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    assert done.code in set(ExitCode), done
    return done


def test_the_page_lists_exactly_the_codes_that_there_are() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert rows == [(str(int(code)), code.name) for code in ExitCode]


def test_each_exit_code_is_answered(host: SmallHost, lane: SmallLane) -> None:
    name = str(lane.lane)
    planned = quiet(host.operate("plan", name, "bootstrap/empty", "--json"))
    assert planned.code == ExitCode.DONE
    digest = json.loads(planned.stdout)["digest"]
    assert quiet(host.operate("plan", name, "bootstrap/nothing")).code == ExitCode.USAGE
    with untouched(lane):
        lane.guard_becomes("exit 1")
        assert quiet(host.operate("plan", name, "bootstrap/empty")).code == ExitCode.REFUSED
        lane.put_guard_back()
        held = quiet(host.operate("authorize", digest, "--json"))
        operation = json.loads(held.stdout)["operation_id"]
        lane.guard_becomes('if [ "$1" = begin ]; then exit 1; fi; exec "$GUARD" "$@"')
        assert quiet(host.operate("start", operation)).code == ExitCode.COULD_NOT_TELL
    lane.put_guard_back()
    lane.guard_becomes(
        f"""if [ "$1" = begin ]; then touch '{lane.keep}/.lock'
        exec 9>'{lane.keep}/.lock'; flock 9; "$GUARD" "$@" 9>&-
        else exec "$GUARD" "$@"; fi"""
    )
    with untouched(lane):
        busy = quiet(host.operate("start", operation, "--json"))
    assert busy.code == ExitCode.BUSY
    assert json.loads(busy.stdout)["exit_code"] == 52
    lane.put_guard_back()
    # Ctrl-C, as the old data has just been set aside.
    lane.guard_becomes(
        """"$GUARD" "$@"; code=$?
        if [ "$1" = begin ]; then kill -INT $PPID; exec sleep 60; fi; exit $code"""
    )
    interrupted = quiet(host.operate("start", operation))
    lane.put_guard_back()
    assert show(host.office.configuration(lane.lane)).database.entry is None
    assert "nothing was signed or changed" not in interrupted.stderr
    assert interrupted.code == ExitCode.COULD_NOT_TELL
    assert quiet(host.operate("start", operation)).code == ExitCode.DONE
    assert quiet(host.operate("start", operation)).code == ExitCode.REFUSED


def commands_with_json(group: click.Group = lane_authority) -> set[str]:
    """Every command that can answer in JSON."""
    found = set()
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= {f"{name} {each}" for each in commands_with_json(command)}
        elif any("--json" in each.opts for each in command.params):
            found.add(name)
    return found


def test_every_command_answers_one_json_document_and_no_secret(
    host: SmallHost, bare: SmallLane
) -> None:
    outputs: dict[str, list[str]] = {}

    def run(*arguments: str, command: str = "") -> dict[str, object]:
        done = quiet(host.operate(*arguments, "--json"))
        assert done.code == 0, done.stderr
        outputs.setdefault(command or arguments[0], []).append(done.stdout + done.stderr)
        found = json.loads(done.stdout)
        return found if isinstance(found, dict) else {}

    def sign(digest: object, *people: str) -> None:
        for person in people:
            key = str(host.people[person].key_file)
            run("approve", str(digest), "--key", key, "--yes")

    name, file = str(bare.lane), host.folder / "policy.json"
    file.write_text(
        json.dumps(
            {
                "lane": name,
                "rollout_state": "testing",
                "authoritative_data": False,
                "bootstrap_empty_allowed": True,
                "requires_backup_before_destroy": False,
                "requires_restore_proof": False,
            }
        )
    )
    run("init")
    (first_key,) = host.host.keys.glob("signing-*.pem")
    run("policy", "check", str(file), command="policy check")
    run("policy", "diff", str(file), command="policy diff")
    with host.host.approvers_file.open("a") as approvers:
        approvers.write("# A word more is a change as well.\n")
    changed = run("approvers", "propose", "--reason", "x", command="approvers propose")
    run("approvers", "apply", str(changed["digest"]), command="approvers apply")
    assert run("approvers", "show", command="approvers show")["files_agree"] is True
    proposed = run("policy", "propose", str(file), "--reason", "x", command="policy propose")
    sign(proposed["digest"], "rita", "ann", "ben")
    run("policy", "apply", str(proposed["digest"]), command="policy apply")
    run("policy", "show", name, command="policy show")
    run("policy", "history", name, command="policy history")
    found = run("enrol", name)
    sign(found["digest"], "rita", "ann")
    run("enrol", name, "--digest", str(found["digest"]))
    with folder_in_memory() as backups:
        bare.put_guard_back(LANE_AUTHORITY_BACKUPS=str(backups))
        gate = run("backup", "capture", name, command="backup capture")["gate"]
        assert isinstance(gate, dict)
        run("backup", "prove", str(gate["backup_id"]), command="backup prove")
        run("backup", "list", name, command="backup list")
        run("backup", "prune", name, command="backup prune")
        made = backups / str(gate["backup_id"])
        paths = ("--dump", str(made / "database"), "--taken-at", str(gate["snapshot_at"]))
        run("backup", "import", name, *paths, "--accept-lacking", command="backup import")
        given = ("backup", "give-up", name, str(gate["backup_id"]), "--reason", "x", "--json")
        leaned_on = quiet(host.operate(*given))
        assert "nothing_to_do" in leaned_on.stdout
        outputs["backup give-up"] = [leaned_on.stdout + leaned_on.stderr]
        run("drill", name)
        bare.put_guard_back()
    tag = bare.tag()
    bare.execute(f'COMMENT ON DATABASE "{bare.database}" IS NULL')
    run("adopt", name, "--reason", "x")
    bare.execute(f"COMMENT ON DATABASE \"{bare.database}\" IS '{tag}'")
    operation = ""
    for ending in ("finish", "undo"):
        digest = str(run("plan", name, "bootstrap/empty")["digest"])
        operation = str(run("authorize", digest)["operation_id"])
        run("start", operation)
        bare.materialise()
        if ending == "undo":
            run("retry", operation)
        run(ending, operation)
    for ending, source in (("abort", "bootstrap/empty"), ("settle", "recreate/existing")):
        operation = str(run("authorize", str(run("plan", name, source)["digest"]))["operation_id"])
        run("start", operation)
        run(ending, operation, *(("--as-it-stands",) if ending == "settle" else ()))
    run("keys", "create", command="keys create")
    run("keys", "rotate", command="keys rotate")
    run("restamp", name, "--digest", str(run("restamp", name)["digest"]))
    run("keys", "list", command="keys list")
    run("keys", "revoke", first_key.stem.removeprefix("signing-"), command="keys revoke")
    run("reconcile")
    run("doctor")
    run("release", "--due")
    bare.execute("UPDATE launchplane_lane_marker SET claimed = true", bare.database)
    run("lower", name, "--reason", "x")
    run("kept-data", "open", name, "--now", command="kept-data open")
    run("kept-data", "close", name, "--now", command="kept-data close")
    moved = quiet(host.operate("moved", name, "--reason", "x", "--old-place-stopped", "--json"))
    assert "nothing_to_do" in moved.stdout
    outputs["moved"] = [moved.stdout + moved.stderr]
    copied = quiet(host.operate("copy", name, "--reason", "x", "--json"))
    assert "nothing_to_do" in copied.stdout
    outputs["copy"] = [copied.stdout + copied.stderr]
    run("lost", name, "--reason", "x")
    run("retire", name, "--reason", "x")
    run("lanes")
    run("lane", name)
    run("audit", "show", command="audit show")
    run("audit", "show", "--lane", name, command="audit show")
    run("audit", "verify", command="audit verify")
    run("notify", "--due")
    declaration = host.folder / "lane-declaration.toml"
    declaration.write_text(declaration_text(bare.lane))
    (host.folder / "state").mkdir()
    state, mapping = str(host.folder / "state"), host.folder / "mapping.toml"
    mapping.write_text(f'lane = "{name}"\nrollout_state = "testing"\n')
    run("launchplane", "import", state, str(mapping), command="launchplane import")
    run("tenant", "check", str(declaration), command="tenant check")
    run("tenant", "record", str(declaration), command="tenant record")
    write_from_the_future(host, bare)
    corrected = run("clock", "correct", "--reason", "x", command="clock correct")
    sign(corrected["digest"], "rita", "ann")
    run("clock", "correct", "--digest", str(corrected["digest"]), command="clock correct")
    # That one fetches packages, reads no host and knows no secret; tests/packaging has it run.
    # This one needs a source to restore; tests/backups/restores has it run.
    assert set(outputs) == commands_with_json() - {"guard-bundle", "materialise"}
    secrets = [bare.cluster.odoo.password]
    for key in (first_key, *host.host.keys.glob("*.pem")):
        secrets += key.read_text().splitlines()[1:-1] if key.exists() else []
    for person in host.people.values():
        secrets += person.key_file.read_text().splitlines()[1:-1]
    for each in host.office.store.operations():
        assert each.permit_token
        tokens = (each.permit_token, *(before.permit_token for before in each.earlier_permits))
        secrets += [part for token in tokens for part in (token, token.split(".")[2])]
    texts = [text for each in outputs.values() for text in each]
    for words in (("lanes",), ("lane", name), ("audit", "show"), ("policy", "show", name)):
        done = quiet(host.operate(*words))
        texts.append(done.stdout + done.stderr)
    for text in texts:
        assert not [secret for secret in secrets if secret in text]
        assert "eyJ" not in text


BAD = {
    "lane without slashes": ("plan", "cm", "bootstrap/empty"),
    "lane with odd letters": ("lane", "a/b/\x01"),
    "unknown lane": ("lane", "nobody/knows/it"),
    "unknown lane to plan": ("plan", "nobody/knows/it", "bootstrap/empty"),
    "unknown lane to enrol": ("enrol", "nobody/knows/it"),
    "unknown lane's policy": ("policy", "show", "nobody/knows/it"),
    "no such request": ("plan", "a/b/c", "restore/existing"),
    "kept without a name": ("plan", "a/b/c", "restore/kept"),
    "short digest": ("authorize", "abc"),
    "digest of nothing": ("authorize", "0" * 64),
    "odd digest": ("approve", "../../etc/passwd", "--key", "/etc/hostname", "--yes"),
    "odd enrolment digest": ("enrol", "a/b/c", "--digest", "é\x00"),
    "no operation": ("start", "op-0000"),
    "odd operation": ("undo", "'; DROP TABLE ledger; --"),
    "nobody": ("plan", "a/b/c", "bootstrap/empty", "--as", " "),
    "far too long a person": ("plan", "a/b/c", "bootstrap/empty", "--as", "x" * 300),
    "far too long a reason": ("plan", "a/b/c", "bootstrap/empty", "--reason", "x" * 3000),
    "missing file": ("policy", "propose", "/nowhere.toml", "--reason", "x"),
    "unknown command": ("destroy",),
    "missing argument": ("finish",),
    "odd wait": ("finish", "op-0000", "--wait", "long"),
}


def test_bad_input_is_told_in_words(host: SmallHost, lane: SmallLane) -> None:
    with untouched(lane):
        for what, arguments in BAD.items():
            for more in ((), ("--json",)):
                done = quiet(host.operate(*arguments, *more))
                assert done.code == ExitCode.USAGE, (what, done)
                assert done.stderr.strip(), what


FILES = {
    "no TOML": b"lane = = 1",
    "no text": b"\xff\xfe\x00\x01",
    "empty": b"",
    "unknown key": (POLICY + "colour = 1\n").encode(),
    "bad lane": POLICY.replace("/prod", "").encode(),
    "a list as lane": b'lane = [1]\nrollout_state = "testing"\n',
    "a date": (POLICY + "backup_max_age = 2026-01-01\n").encode(),
    "not a number": (POLICY + "backup_max_age = nan\n").encode(),
    "contradiction": (POLICY + "authoritative_data = false\n").encode(),
    "no zone": (POLICY + "provisional_until = 2026-01-01T00:00:00\n").encode(),
    "too far away": (
        POLICY.replace("production", "provisional")
        + "authoritative_data = false\nprovisional_until = 2099-01-01T00:00:00Z\n"
    ).encode(),
    "too long": (POLICY + 'backup_max_age = "99999999999999d"\n').encode(),
}


def test_bad_files_are_told_in_words(host: SmallHost, lane: SmallLane) -> None:
    name = str(lane.lane)
    for what, content in FILES.items():
        file = host.folder / "policy.toml"
        file.write_bytes(content)
        done = quiet(host.operate("policy", "propose", str(file), "--reason", "x"))
        assert done.code == ExitCode.USAGE, (what, done)
    file.write_text("".join(f"[[lanes]]\n{POLICY}".replace("/cm/", f"/{n}/") for n in "ab"))
    one_of_two = ("policy", "propose", str(file), "--reason", "x", "--lane")
    assert "holds: odoo-tenant-cm/a" in quiet(host.operate(*one_of_two, "a/b/c")).stderr
    assert quiet(host.operate(*one_of_two[:-1])).code == ExitCode.USAGE
    assert quiet(host.operate(*one_of_two, "odoo-tenant-cm/b/prod")).code == ExitCode.DONE
    nested = host.folder / "policy.json"
    nested.write_text("[" * 100_000)
    assert quiet(host.operate("policy", "propose", str(nested), "--reason", "x")).code == 2
    for changed in (
        ("policy", "propose", str(file), "--reason", ""),
        ("policy", "propose", str(file), "--reason", "x" * 3000),
        ("policy", "propose", str(file), "--reason", "x", "--as", "x" * 300),
    ):
        file.write_text(POLICY)
        done = quiet(host.operate(*changed))
        assert done.code == ExitCode.USAGE, (changed[3:], done)
    good = host.host.configuration_file.read_text()
    deep, long = b"a = " + b"[" * 3000, b"a = " + b"9" * 5000
    for content in (b"lanes = 3", b"[[lanes]]\nlane = 1", b"\xff", b"= =", deep, long):
        host.host.configuration_file.write_bytes(content)
        assert quiet(host.operate("lane", name)).code == ExitCode.USAGE
        assert quiet(host.operate("lanes")).code == ExitCode.USAGE
    host.host.configuration_file.write_text(good)
    assert quiet(host.operate("lane", name)).code == 0
    host.host.thresholds_file.write_bytes(deep)
    assert quiet(host.operate("doctor")).code == ExitCode.REFUSED


def test_a_host_that_is_missing_or_broken(host: SmallHost, lane: SmallLane) -> None:
    gone = {"LANE_AUTHORITY_HOST_DIRECTORY": str(host.folder / "nowhere")}
    for arguments in (("lanes",), ("plan", str(lane.lane), "bootstrap/empty"), ("audit", "verify")):
        assert quiet(host.operate(*arguments, **gone)).code == ExitCode.USAGE
    secret = "postgresql://rita:a-secret-word@127.0.0.1:9/store"
    unescaped = "postgresql://rita:p@a-secret-word:b@127.0.0.1:9/store"
    for url in ("no address", secret, unescaped):
        done = quiet(host.operate("lanes", "--json", LANE_AUTHORITY_DATABASE_URL=url))
        assert done.code in (ExitCode.USAGE, ExitCode.COULD_NOT_TELL)
        assert json.loads(done.stdout)["exit_code"] == done.code
        assert "a-secret-word" not in done.stdout + done.stderr
    assert "percent-encoded" in done.stderr
    pem = quiet(host.operate("lanes", LANE_AUTHORITY_SIGNING_KEY="-----BEGIN no key"))
    assert pem.code == ExitCode.COULD_NOT_TELL
    host.office.close()
    host.host.store_file.write_bytes(b"no store at all" * 100)
    assert quiet(host.operate("lanes")).code == ExitCode.COULD_NOT_TELL


def test_what_nobody_foresaw_is_told_in_words(host: SmallHost, lane: SmallLane) -> None:
    """Somebody writes into the store what no program of ours ever would."""
    held = host.authorize(lane)
    host.office.close()
    with closing(sqlite3.connect(host.host.store_file)) as store, store:
        store.execute("UPDATE operations SET phase = 'a-secret-word'")
    with untouched(lane):
        done = quiet(host.operate("undo", held.operation_id, "--json"))
    assert done.code == ExitCode.COULD_NOT_TELL
    told = json.loads(done.stdout)
    assert (told["exit_code"], told["error"]) == (51, done.stderr.strip())
    assert "ValueError in " in told["error"]
    assert "lane-authority lane" in told["error"]
    assert "a-secret-word" not in done.stdout + done.stderr


def test_the_installed_program_answers_the_same(host: SmallHost) -> None:
    program = Path(sys.executable).with_name("lane-authority")
    if not program.exists():
        pytest.fail("lane-authority is not installed beside this Python")
    done = subprocess.run(
        [str(program), "--host-directory", str(host.directory), "authorize", "0" * 64],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_an_enrolment_is_not_made_under_another_lanes_name(
    host: SmallHost, bare: SmallLane
) -> None:
    name = str(bare.lane)
    host.record_policy(resettable_policy(bare.lane))
    shown = quiet(host.operate("enrol", name, "--json"))
    digest = json.loads(shown.stdout)["digest"]
    host.sign(digest, "rita", "ann")
    with untouched(bare):
        wrong = quiet(host.operate("enrol", "odoo-tenant-cm/other/prod", "--digest", digest))
    assert wrong.code == ExitCode.USAGE
    assert name in wrong.stderr
    assert quiet(host.operate("enrol", name, "--digest", digest)).code == ExitCode.DONE


def test_a_narrow_terminal_breaks_no_word(host: SmallHost, lane: SmallLane) -> None:
    narrow = quiet(host.operate("lanes", COLUMNS="80", NO_COLOR="1")).stdout
    assert "\x1b" not in narrow
    assert "May be rebuilt from: existing, empty" in narrow
    assert max(map(len, narrow.splitlines())) <= 80
    wide = quiet(host.operate("lanes", COLUMNS="140")).stdout
    assert "┃ May be rebuilt from ┃" in wide
    assert str(lane.lane) in wide
