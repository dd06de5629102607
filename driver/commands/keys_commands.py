"""`keys list|create|rotate|revoke`: the key that signs, the one after it, and those before it."""

import os
import shlex

import click
from rich.markup import escape

from launchplane_lane_contracts.contract import KeyId
from launchplane_lane_contracts.errors import BadInput

from .. import key_ring
from ..host_directory import HostDirectory
from ..key_ring import KEY_REVOKED, SignedLane, signed_lanes
from ..keys import KEY_VARIABLE
from ..lane_office import utc_now
from ..store import Store
from .progress import waiting_for
from .shared import answer, as_person, host_of, json_option, person_option, say


@click.group()
def keys() -> None:
    """The key that signs, the one after it, and those before it."""


@keys.command("list")
@json_option
@click.pass_context
def list_keys(context: click.Context, as_json: bool) -> None:
    """Every key, what it is good for, and the lanes whose marker it signed."""
    host = host_of(context)
    with waiting_for("Asking the lanes", quiet=as_json):
        lanes = signed_lanes(host)
    known = [
        {
            "key_id": each.key_id,
            "state": each.state.value,
            "lanes": _signed_with(lanes, each.key_id),
        }
        for each in key_ring.known_keys(host)
    ]
    if as_json:
        answer({"keys": known, "not_read": [str(each.lane) for each in lanes if not each.key_id]})
        return
    for each in known:
        lanes_of = ", ".join(each["lanes"]) or "no lane"
        say(escape(f"{each['key_id']}  {each['state']:<8} {lanes_of}"))
    for lane in lanes:
        if lane.key_id is None:
            say(f"No marker could be read of lane {lane.lane}.")


@keys.command()
@person_option
@json_option
@click.pass_context
def create(context: click.Context, person: str, as_json: bool) -> None:
    """Make the key that signs after the present one. It does not sign yet.

    Its public half is in the key set from now on: give that file to every lane, then rotate.
    """
    host = _host_with_files(context)
    _note(host, "key_created", {"by": as_person(person)})
    made = key_ring.create_next_key(host)
    if as_json:
        answer({"key_id": made, "public_keys": str(host.public_keys_file)})
        return
    say(f"Key {made} is made and does not sign yet.")
    say(
        escape(
            f"Give every lane the file {host.public_keys_file}, then: lane-authority keys rotate"
        )
    )


@keys.command()
@person_option
@json_option
@click.pass_context
def rotate(context: click.Context, person: str, as_json: bool) -> None:
    """Let the key that was made ahead sign from now on.

    The one before it still verifies what it signed. The lanes that are listed carry its signature:
    stamp them again before you revoke it.
    """
    host = _host_with_files(context)
    key_ring.require_next_key(host)
    with waiting_for("Asking the lanes", quiet=as_json):
        lanes = signed_lanes(host)
    _note(host, "key_rotated", {"by": as_person(person)})
    now_signs = key_ring.rotate(host)
    restamp = [str(each.lane) for each in lanes if each.key_id not in (None, now_signs)]
    if as_json:
        answer({"key_id": now_signs, "restamp": restamp})
        return
    say(f"Key {now_signs} signs from now on.")
    _say_restamp(restamp)


@keys.command()
@click.argument("key")
@click.option("--now", "do_it", is_flag=True, help="Do it; without this it is only shown.")
@person_option
@json_option
@click.pass_context
def revoke(context: click.Context, key: str, do_it: bool, person: str, as_json: bool) -> None:
    """Let KEY verify nothing any more.

    The lanes whose marker it signed refuse every operation until they are adopted. Give every lane
    the key set afterwards: until then a lane goes on believing the key.
    """
    host = host_of(context)
    # Before anything is put on record: what is there stays there for good.
    key_ring.require_revocable(host, KeyId(key))
    with waiting_for("Asking the lanes", quiet=as_json):
        lanes = _signed_with(signed_lanes(host), KeyId(key))
    if do_it:
        _note(host, KEY_REVOKED, {"by": as_person(person), "key_id": key, "lanes": lanes})
        key_ring.revoke(host, KeyId(key))
    if as_json:
        answer({"key_id": key, "revoked": do_it, "restamp": lanes})
        return
    verifies = "verifies nothing any more" if do_it else "would verify nothing any more"
    say(escape(f"Key {key} {verifies}."))
    _say_restamp(lanes)
    if do_it:
        say(escape(f"Give every lane the file {host.public_keys_file} now."))
    else:
        by = shlex.quote(person)
        say(escape(f"Then: lane-authority keys revoke {key} --now --as {by}"))


def _say_restamp(lanes: list[str]) -> None:
    for lane in lanes:
        say(f"Its signature is on lane {lane}: lane-authority restamp {lane}")


def _signed_with(lanes: tuple[SignedLane, ...], key: KeyId) -> list[str]:
    return [str(each.lane) for each in lanes if each.key_id == key]


def _host_with_files(context: click.Context) -> HostDirectory:
    if os.environ.get(KEY_VARIABLE):
        raise BadInput(
            f"The signing key comes from {KEY_VARIABLE}, so it is changed there: give the new key "
            "in it. Its public half is published by whoever made it."
        )
    return host_of(context)


def _note(host: HostDirectory, what: str, particulars: dict[str, object]) -> None:
    """Put it on the record before it is done. It needs no key, which may be lost."""
    store = Store.open(host.store_url, host.head_file)
    try:
        store.note(what, None, particulars, utc_now())
    finally:
        store.close()
