"""Plans of a real lane, decided again without a host: the same answers, and what-if."""

import json

from tests.driver.small_host import SmallHost, SmallLane, untouched


def test_a_plan_is_decided_again_as_it_was(host: SmallHost, lane: SmallLane) -> None:
    name, cases = str(lane.lane), host.folder / "cases.jsonl"
    with untouched(lane):
        plans = [
            host.operate("plan", name, request, "--json").stdout
            for request in ("bootstrap/empty", "recreate/upstream_restore")
        ]
        cases.write_text("".join(plans))
        done = host.operate("decide", str(cases))
        assert done.code == 0, done.stderr
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert [each["decision"] for each in answers] == [
            json.loads(each)["decision"] for each in plans
        ]
        assert [each["decision"]["allowed"] for each in answers] == [True, False]
        policy = host.folder / "production.toml"
        policy.write_text(f'lane = "{name}"\nrollout_state = "production"\n')
        stricter = ("--policy", str(policy), "--expect", "refuse")
        assert host.operate("decide", str(cases), *stricter).code == 0
        assert host.operate("decide", str(cases), "--expect", "refuse").code == 50
