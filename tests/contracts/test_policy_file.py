"""Policy files: one lane or many, every mistake at once, and nothing taken from a bad one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from launchplane_lane_contracts.mistakes import Mistakes
from launchplane_lane_contracts.policy import Policy
from launchplane_lane_contracts.policy_file import read_policies
from launchplane_lane_contracts.text_file import TextFormat

from .cases import UPSTREAM, a_policy, an_authoritative_policy
from .named_lanes import CM, OPW, SPARSE, SYO

MINIMAL = 'lane = "odoo-tenant-cm/cm/prod"\nrollout_state = "production"\n'


def read(text: str | bytes, text_format: TextFormat = TextFormat.TOML) -> tuple[Policy, ...]:
    """The policies in a text."""
    return read_policies(text.encode() if isinstance(text, str) else text, text_format)


def read_json(value: Any) -> tuple[Policy, ...]:
    """The policies in a value that is written as JSON."""
    return read(json.dumps(value), TextFormat.JSON)


def mistakes(text: str | bytes, text_format: TextFormat = TextFormat.TOML) -> list[str]:
    """Every mistake in a text, as people read it."""
    with pytest.raises(Mistakes) as caught:
        read(text, text_format)
    assert caught.value.exit_code == 2
    return [str(each) for each in caught.value.mistakes]


def test_one_lane_with_nothing_but_what_is_required_is_fully_protected() -> None:
    (policy,) = read(MINIMAL)
    assert policy == Policy(lane=policy.lane, rollout_state=SYO.rollout_state)
    assert policy.authoritative_data
    assert policy.requires_restore_proof


def test_many_lanes_in_toml() -> None:
    policies = read(
        """
        [[lanes]]
        lane = "odoo-tenant-syo/syo/prod"
        rollout_state = "production"

        [[lanes]]
        lane = {product = "odoo-tenant-opw", context = "opw", instance = "prod"}
        rollout_state = "provisional"
        authoritative_data = false
        bootstrap_empty_allowed = true
        restore_from_upstream_allowed = true
        provisional_until = 2026-04-30T02:00:00Z
        [lanes.upstream_source]
        name = "opw's old server"
        host = "odoo.opw.example.org"
        database = "opw"
        filestore_path = "/var/lib/odoo/filestore/opw"
        """
    )
    assert policies == (SYO, OPW)


@pytest.mark.parametrize("policy", [CM, OPW, SYO, SPARSE, a_policy(), an_authoritative_policy()])
def test_what_a_policy_writes_is_read_back(policy: Policy) -> None:
    assert read(policy.canonical(), TextFormat.JSON) == (policy,)
    plain = {**policy.to_plain(), "lane": str(policy.lane)}
    assert read_json({"lanes": [plain]}) == (policy,)


def test_the_lane_of_an_upstream_source_may_be_text() -> None:
    plain = {
        **a_policy().to_plain(),
        "upstream_source": {**UPSTREAM.to_plain(), "lane": "odoo-tenant-cm/cm/old"},
    }
    (policy,) = read_json(plain)
    assert policy.upstream_source is not None
    assert str(policy.upstream_source.lane) == "odoo-tenant-cm/cm/old"


def test_a_byte_order_mark_is_left_out() -> None:
    assert read(b"\xef\xbb\xbf" + MINIMAL.encode()) == read(MINIMAL)


WRONG_IN_MANY_WAYS = """\
[[lanes]]
lane = "odoo-tenant-cm/cm/prod"
rollout_state = "provisional"
bootstrap_empty_allowed = true

[[lanes]]
lane = "odoo-tenant-opw/opw/prod"
rollout_state = "staging"
authoritative_data = "no"
requires_restore_proof = false
backup_max_age = 24
[lanes.upstream_source]
name = "old"
hots = "old.example.org"
database = "opw"
filestore_path = "opw"
lane = "opw"

[[lanes]]
lane = "odoo-tenant-cm/cm/prod"
rollout_state = "production"
replaced_kept_for = inf
"""


def test_every_mistake_of_every_lane_is_told_at_once() -> None:
    told = mistakes(WRONG_IN_MANY_WAYS)
    assert [each.split(": ")[:2] for each in told] == [
        ["line 1", "lanes[0].provisional_until"],
        ["line 4", "lanes[0].bootstrap_empty_allowed"],
        ["line 8", "lanes[1].rollout_state"],
        ["line 9", "lanes[1].authoritative_data"],
        ["line 11", "lanes[1].backup_max_age"],
        ["line 12", "lanes[1].upstream_source.host"],
        ["line 14", "lanes[1].upstream_source.hots"],
        ["line 16", "lanes[1].upstream_source.filestore_path"],
        ["line 17", "lanes[1].upstream_source.lane"],
        ["line 20", "lanes[2].lane"],
        ["line 22", "lanes[2].replaced_kept_for"],
    ]
    words = dict(zip((each.split(": ")[1] for each in told), told, strict=True))
    assert (
        'found "staging"; accepted: production or provisional or testing'
        in words["lanes[1].rollout_state"]
    )
    assert "found 24; accepted: a duration" in words["lanes[1].backup_max_age"]
    assert "is host meant" in words["lanes[1].upstream_source.hots"]
    assert "it is missing; accepted: text of 1 to 253" in words["lanes[1].upstream_source.host"]
    assert "begins with /" in words["lanes[1].upstream_source.filestore_path"]
    assert "authoritative_data = true (not given)" in words["lanes[0].bootstrap_empty_allowed"]
    assert "no provisional_until" in words["lanes[0].provisional_until"]
    assert "stands at lanes[0] already" in words["lanes[2].lane"]
    assert words["lanes[2].replaced_kept_for"].endswith("it is not a number.")


def test_a_contradiction_is_not_invented_for_a_field_that_could_not_be_read() -> None:
    (told,) = mistakes(MINIMAL + 'authoritative_data = "no"\nrequires_restore_proof = false\n')
    assert "authoritative_data: it is neither true nor false" in told


def test_contradictions_are_told_beside_other_mistakes() -> None:
    told = mistakes('rollout_state = "production"\nauthoritative_data = false\ncolour = 1\n')
    assert [each.split(": ")[-2] for each in told] == [
        "it is missing; accepted",
        "production must have authoritative_data; found authoritative_data = false, "
        'rollout_state = "production"; accepted',
        "there is no such field; found 1; accepted",
    ]


@pytest.mark.parametrize(
    "lane",
    ["cm", "a/b/C", "a/b/c/d", "", {"product": "a", "context": "b"}, 3, None, ["a", "b", "c"]],
)
def test_what_is_no_lane_is_told(lane: Any) -> None:
    text = json.dumps({"lane": lane, "rollout_state": "testing"})
    for told in mistakes(text, TextFormat.JSON):
        assert told.startswith("line 1: lane")
        assert "accepted: " in told


def test_a_bad_lane_hides_no_other_mistake() -> None:
    told = mistakes('lane = "cm"\nrollout_state = "production"\nrequires_restore_proof = false\n')
    assert [each.split(":")[1].strip() for each in told] == ["lane", "requires_restore_proof"]
    upstream = json.dumps({**a_policy().to_plain(), "upstream_source": {"lane": "x"}})
    assert len(mistakes(upstream, TextFormat.JSON)) == 5


@pytest.mark.parametrize("until", ["1800000000", "", "tomorrow", "20270131T000000Z"])
def test_an_instant_is_written_with_its_date(until: str) -> None:
    text = MINIMAL.replace("production", "provisional") + f'provisional_until = "{until}"\n'
    (told,) = mistakes(text)
    assert told.startswith(f'line 3: provisional_until: it is no instant; found "{until}"')


@pytest.mark.parametrize(
    ("domains", "words"),
    [
        ('"x"', 'provider_target.domains: it is no list; found "x"; accepted: a list of text'),
        ("['x', 3]", "provider_target.domains[1]: it is no text; found 3; accepted: text."),
    ],
)
def test_a_list_is_told_from_what_is_in_it(domains: str, words: str) -> None:
    target = f'provider_target = {{target_id = "1", name = "2", domains = {domains}}}\n'
    assert any(words in each for each in mistakes(MINIMAL + target))


def test_nothing_may_stand_beside_the_list_of_lanes() -> None:
    told = mistakes('rollout_state = "testing"\n[[lanes]]\n' + MINIMAL)
    assert len(told) == 1
    assert told[0].startswith("line 1: rollout_state: beside `lanes` nothing else may stand")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "it is no table; found []"),
        ("3", "it is no table; found 3"),
        ("null", "it is no table"),
        ('"lane"', "it is no table"),
        ('{"lanes": []}', "line 1: lanes: it holds no lane"),
        ('{"lanes": {}}', "line 1: lanes: it holds no lane"),
        ('{"lanes":\n [3]}', "line 2: lanes[0]: it is no table; found 3"),
        ("", "it is empty"),
        (" \n ", "it is empty"),
        ("{}", "lane: it is missing"),
        ("{", "line 1: it is not JSON"),
        ('{\n"lane": }', "line 2: it is not JSON"),
        ("{}{}", "it is not JSON: Extra data"),
        ("[" * 100_000, "nested more than"),
        ("[" * 50 + "]" * 50, "nested more than"),
        ('{"a":' * 100_000, "nested more than"),
        ("9" * 10_000, "a number or date that cannot be one"),
        ('{"lane": ' + "9" * 100 + "}", "line 1: lane: the number is too large"),
        ('{"backup_max_age": NaN}', "backup_max_age: it is not a number"),
        ('{"backup_max_age": 1e999}', "backup_max_age: it is not a number"),
        ('{"lane": "\\ud800"}', "lane: the text holds half a character"),
        ('{"la\\ud800ne": 1}', '"la\\ud800ne": the text holds half a character'),
        ('{"lane": "a/b/c",\n"lane": "a/b/d"}', "line 2: lane: the key is given twice"),
        ('{"lanes": [{"a": 1, "\\u0061": 2}]}', "lanes[0].a: the key is given twice"),
        ('{"upstream_source": {"a": [], "b": {"c": 1,\n"c": 2}}}', "line 2: upstream_source.b.c"),
        ('{"\\ud800": 1, "\\ud800": 2}', '"\\ud800": the key is given twice'),
        ('{"\\u001b[31m": 1}', '"\\u001b[31m": there is no such field'),
        ('{"lane": "\\u009b\\u202e"}', 'found "\\u009b\\u202e"'),
    ],
)
def test_odd_json_is_told_in_words(text: str, words: str) -> None:
    assert any(words in each for each in mistakes(text, TextFormat.JSON))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\xff\xfe\x00", "line 1: it is not UTF-8"),
        (b"a = 1\n\nb = '\xe9'", "line 3: it is not UTF-8"),
        (MINIMAL.encode("utf-16"), "it is not UTF-8"),
        (b"", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"\n# nothing\n", "lane: it is missing"),
        (b"lane = = 1", "line 1: it is not TOML: Invalid value"),
        (b"lane = '", "it is not TOML"),
        (b"a = 1\na = 2", "it is not TOML: Cannot overwrite"),
        (b"[lane]\n[lane]", "line 2: it is not TOML"),
        (b"a = " + b"[" * 100_000, "nested more than"),
        (b"a = " + b"9" * 10_000, "a number or date that cannot be one"),
        (b"a = 0x" + b"f" * 10_000, "line 1: a: the number is too large"),
        (b"a = 2026-02-30", "not TOML"),
        (b"provisional_until = 2027-01-31T00:00:00", "it has no time zone; found"),
        (b"provisional_until = 2027-01-31T00:00:00+01:00", "must be given in UTC"),
        (b"provisional_until = 2027-01-31", "it is no instant"),
        (b"provisional_until = 10:00:00", 'it is no instant; found "10:00:00"'),
        (b"backup_max_age = -inf", "it is not a number"),
        (b"schema_version = 2", "there is no such value; found 2; accepted: 1"),
    ],
)
def test_odd_toml_is_told_in_words(text: bytes, words: str) -> None:
    assert any(words in each for each in mistakes(text)), mistakes(text)


def test_lines_are_found_through_strings_comments_and_tables() -> None:
    text = '''\
# lane = "x"
lane."product" = "a" # [[lanes]]
'lane'.context = 'b'
colour = """
wrong = 1
[[lanes]]
"""
shape = [ # ]
  "]", 'a"', \'\'\'
'\'\'\',
]
lane.instance = "c"
[ upstream_source . "lane" ]
"pro duct" = { a = "#", b = [1] }
[[more]]
x = 1
[[more.inner]]
y = 2
[[more]]
z = 3
[more.deep]
odd = """a\\"""b"""""
last = 1
'''
    told = mistakes(text)
    assert "rollout_state: it is missing" in told[0]
    assert {each.split(": ")[1]: each.split(": ")[0] for each in told[1:]} == {
        "colour": "line 4",
        "shape": "line 8",
        'upstream_source.lane."pro duct"': "line 14",
        "upstream_source.lane.product": "line 13",
        "upstream_source.lane.context": "line 13",
        "upstream_source.lane.instance": "line 13",
        "upstream_source.name": "line 13",
        "upstream_source.host": "line 13",
        "upstream_source.database": "line 13",
        "upstream_source.filestore_path": "line 13",
        "more": "line 15",
    }


LONG = some.text(alphabet="[]{}\",\\:\n #='ab1.", max_size=80)


@settings(deadline=None)
@given(LONG, some.sampled_from(list(TextFormat)))
@example('{"a":"\\\\","b":[{},[1,2]]}', TextFormat.JSON)
def test_any_text_is_read_or_refused_in_words(text: str, text_format: TextFormat) -> None:
    with pytest.raises(Mistakes) as caught:
        read(text, text_format)
    assert caught.value.mistakes


VALUES: some.SearchStrategy[Any] = some.recursive(
    some.none() | some.booleans() | some.integers(-3, 3) | some.text('a"{}[],:\n\\é', max_size=4),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.text('ab"{,\n', max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(some.dictionaries(some.text("xyz", min_size=1, max_size=3), VALUES, min_size=1, max_size=4))
def test_the_line_of_each_key_of_json_is_its_own(value: dict[str, Any]) -> None:
    """Written with one key a line, the n-th key stands on the line that holds it."""
    text = json.dumps(value, indent=1, ensure_ascii=True)
    rows = text.split("\n")
    try:
        read(text, TextFormat.JSON)
    except Mistakes as problem:
        for each in problem.mistakes:
            if each.path in value:
                assert each.line is not None
                assert rows[each.line - 1].startswith(f' "{each.path}": ')
    else:
        pytest.fail("such a file holds no policy")


def test_a_big_file_is_read_in_one_go_through_it() -> None:
    count = 3000
    text = "".join(
        f'[[lanes]]\nlane = "odoo-tenant-{number}/a/prod"\nrollout_state = "testing"\n'
        for number in range(count)
    )
    assert len(read(text)) == count
    (told,) = mistakes(text + "colour = 1\n")
    assert told.startswith(f"line {3 * count + 1}: lanes[{count - 1}].colour")


def writers() -> list[Callable[[list[dict[str, Any]]], str]]:
    """How many lanes are written as JSON, close together and far apart."""
    return [
        lambda lanes: json.dumps({"lanes": lanes}, indent=2),
        lambda lanes: json.dumps({"lanes": lanes}, separators=(",\n", ":\n")),
    ]


@pytest.mark.parametrize("write", writers())
def test_a_mistake_in_one_of_many_lanes_is_found_by_its_line(
    write: Callable[[list[dict[str, Any]]], str],
) -> None:
    lanes = [
        {"lane": f"odoo-tenant-{number}/a/prod", "rollout_state": "production"}
        for number in range(30)
    ]
    lanes[17]["colour"] = "red"
    text = write(lanes)
    with pytest.raises(Mistakes) as caught:
        read(text, TextFormat.JSON)
    (mistake,) = caught.value.mistakes
    assert mistake.path == "lanes[17].colour"
    assert mistake.line is not None
    assert "colour" in text.split("\n")[mistake.line - 1]
