"""The host's own parts: configuration, drivers, keys, store, clock, people."""

import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from launchplane_lane_contracts.errors import LaneAuthorityError
from launchplane_lane_contracts.lane import Lane
from launchplane_lane_contracts.observation import HostRecord

from .batches import in_batches
from .doctor_people import examine_people
from .examination import Finding
from .host import DriverHost
from .host_directory import HostDirectory
from .keys import PublicKeys, SigningKey
from .lane_configuration import LaneConfiguration
from .store import Store
from .store.overview import LaneOverview

LANES_AT_A_TIME = 200


@dataclass
class HostParts:
    """What the host's parts gave, for the lanes' turn; what did not work is not there."""

    lanes: dict[Lane, LaneConfiguration] = field(default_factory=dict)
    key: SigningKey | None = None
    keys: PublicKeys | None = None
    overviews: dict[Lane, LaneOverview] = field(default_factory=dict)

    def overview(self, lane: Lane) -> LaneOverview:
        """What is on record of a lane; nothing where the store could not be read."""
        nothing = LaneOverview(HostRecord(lane=lane), revision=None, live=None, newest=None)
        return self.overviews.get(lane, nothing)


def examine_host(host: HostDirectory, parts: HostParts, now: datetime) -> Iterator[Finding]:
    """Every part, whatever the others are like; what works is put into `parts`."""
    yield from _configuration(host, parts)
    yield _drivers()
    yield from _keys(host, parts)
    yield from _store(host, parts, now)


def _configuration(host: HostDirectory, parts: HostParts) -> Iterator[Finding]:
    try:
        parts.lanes.update(host.lanes())
    except LaneAuthorityError as problem:
        yield Finding.of_problem("configuration", problem)
        return
    number = len(parts.lanes)
    if number:
        yield Finding.good("configuration", f"{number} lane(s) in {host.configuration_file}.")
    else:
        yield Finding.warning(
            "configuration",
            f"No lane is configured in {host.configuration_file}.",
            "Add a [[lanes]] table for each lane; the file holds an example.",
        )


def _drivers() -> Finding:
    try:
        found = DriverHost.from_entry_points().describe()
    except LaneAuthorityError as problem:
        return Finding.of_problem("drivers", problem)
    told = ", ".join(f"{each.driver_id} {each.version}" for each in found)
    return Finding.good("drivers", f"Registered: {told}.")


def _keys(host: HostDirectory, parts: HostParts) -> Iterator[Finding]:
    shared = _shared(host.keys)
    if shared:
        yield Finding.wrong(
            "key folder",
            f"{host.keys} can be read or changed by others (mode {shared:04o}).",
            f"Run: chmod go-rwx {host.keys}",
        )
    else:
        yield Finding.good("key folder", f"{host.keys} is this user's alone.")
    try:
        parts.key = SigningKey.load(host)
    except LaneAuthorityError as problem:
        yield Finding.of_problem("signing key", problem)
    else:
        yield Finding.good("signing key", f"Key {parts.key.key_id}, readable by this user alone.")
    try:
        parts.keys = PublicKeys.load(host)
    except LaneAuthorityError as problem:
        yield Finding.of_problem("public keys", problem)
        return
    if parts.key is not None and parts.key.key_id not in parts.keys.key_ids:
        yield Finding.wrong(
            "public keys",
            f"The signing key {parts.key.key_id} is not in {host.public_keys_file}, so nothing "
            "that it signs could be verified.",
            "Run `lane-authority init`, which adds it, and give the file to each lane.",
        )
        return
    yield Finding.good("public keys", f"{len(parts.keys.key_ids)} in {host.public_keys_file}.")


def _shared(folder: Path) -> int:
    """The mode of a folder that is not this user's alone, else 0."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    return mode if mode & 0o077 else 0


def _store(host: HostDirectory, parts: HostParts, now: datetime) -> Iterator[Finding]:
    try:
        opened = Store.open(host.store_url, host.head_file)
    except LaneAuthorityError as problem:
        yield Finding.of_problem("store", problem)
        return
    with closing(opened) as store:
        try:
            for lanes in in_batches(parts.lanes, LANES_AT_A_TIME):
                parts.overviews.update(zip(lanes, store.overviews(lanes), strict=True))
            trusted, detail = store.trusted(now)
            clock = store.clock_problem(now)
        except LaneAuthorityError as problem:
            yield Finding.of_problem("store", problem)
            return
        yield (
            Finding.good("store", f"{store.place}; its ledger agrees with the head beside the key.")
            if trusted
            else Finding.wrong(
                "store",
                detail,
                "Put the newest store back. If it is lost, reconcile the old one with the lanes.",
            )
        )
        yield (
            Finding.wrong(
                "clock",
                f"This host's clock cannot be right: {clock}.",
                "Correct the clock (time synchronisation). Where it was ahead and is right by now: "
                "`lane-authority clock correct`.",
            )
            if clock
            else Finding.good("clock", "Not behind the ledger.")
        )
        try:
            yield from examine_people(host, store, now)
        except LaneAuthorityError as problem:
            yield Finding.of_problem("approvers", problem)
