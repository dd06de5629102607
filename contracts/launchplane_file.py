"""Reading Launchplane's product profile together with the operator's mapping file."""

from typing import Any

from pydantic import ValidationError

from .lane import Lane
from .lane_file import read_lanes
from .launchplane_policy import MAPPING, TranslatedPolicy, translate
from .launchplane_record import LaneMapping, LaunchplaneLane
from .mistakes import Mistake, Mistakes, Place, line_of, model_mistakes, shown, written
from .text_file import PlainText, TextFormat, read_text

OURS_TO_READ = "odoo_"
"""How the keys of a profile's lane begin that may decide about its data."""


NAMES = ("context", "instance")
"""The keys of a profile's lane that name it."""


def read_profile(
    profile: bytes, mapping: bytes, *, only: Lane | None = None
) -> tuple[TranslatedPolicy, ...]:
    """The policies of a product profile (JSON) with a mapping file (TOML), lane by lane.

    Of a lane we read its names and the blocks that begin with `odoo_`, and none of these may be
    unknown; what else a profile holds decides nothing here. With `only`, one lane alone is read.
    Raises Mistakes with everything that is contradictory or missing in any lane.
    """
    found: list[Mistake] = []
    mappings: dict[Lane, LaneMapping] | None = None
    try:
        mappings = {each.lane: each for each in read_lanes(mapping, TextFormat.TOML, LaneMapping)}
    except Mistakes as problem:
        found += [_in_mapping(each) for each in problem.mistakes]
    text = read_text(profile, TextFormat.JSON)
    found += text.mistakes
    translated = []
    for place, record in _records(text, found):
        if only not in (None, record.lane) or mappings is None:
            continue
        if record.lane not in mappings:
            found.append(
                Mistake(
                    path=f"{MAPPING}.lanes",
                    problem=f"lane {record.lane} is missing",
                    accepted="its rollout_state, and what else Launchplane cannot say",
                )
            )
            continue
        try:
            translated.append(translate(record, mappings[record.lane]))
        except Mistakes as problem:
            found += [_in_lane(each, record.lane, place, text) for each in problem.mistakes]
    if only is not None and not found and not translated:
        found.append(
            Mistake(path="lanes", problem=f"lane {only} is missing", accepted="a lane of it")
        )
    if found:
        raise Mistakes(found, where="The profile with its mapping")
    return tuple(translated)


def profile_lanes(profile: bytes) -> tuple[Lane, ...]:
    """The lanes of a product profile (JSON), in its order, whatever else is said of them.

    Raises Mistakes where it is no profile with lanes, or a lane has no proper name.
    """
    text = read_text(profile, TextFormat.JSON)
    found = list(text.mistakes)
    lanes = tuple(record.lane for _place, record in _records(text, found, names_alone=True))
    if found:
        raise Mistakes(found, where="The profile")
    return lanes


def _in_mapping(mistake: Mistake) -> Mistake:
    return mistake.model_copy(update={"path": f"{MAPPING}.{mistake.path}".rstrip(".")})


def _in_lane(mistake: Mistake, lane: Lane, place: Place, text: PlainText) -> Mistake:
    if mistake.path.startswith(f"{MAPPING}."):
        return mistake.model_copy(update={"path": f"{mistake.path} ({lane})"})
    steps = (*place, *mistake.path.split("."))
    return mistake.model_copy(update={"path": written(steps), "line": line_of(steps, text.lines)})


def _records(
    text: PlainText, found: list[Mistake], *, names_alone: bool = False
) -> list[tuple[Place, LaunchplaneLane]]:
    profile = text.value
    lanes = profile.get("lanes") if isinstance(profile, dict) else None
    if not isinstance(lanes, list) or not lanes:
        found.append(
            Mistake(
                path="lanes",
                line=line_of(("lanes",), text.lines),
                problem="it is no product profile with lanes",
                found=shown(profile),
                accepted="an object with product and a list of lanes",
            )
        )
        return []
    records = []
    for number, lane in enumerate(lanes):
        place: Place = ("lanes", number)
        if names_alone and isinstance(lane, dict):
            lane = {name: each for name, each in lane.items() if name in NAMES}
        record = _record(profile.get("product"), lane, place, text, found)
        if record is not None:
            records.append((place, record))
    return records


def _record(
    product: Any, value: Any, place: Place, text: PlainText, found: list[Mistake]
) -> LaunchplaneLane | None:
    if not isinstance(value, dict):
        found.append(
            Mistake(
                path=written(place),
                line=line_of(place, text.lines),
                problem="it is no table",
                found=shown(value),
                accepted="a lane",
            )
        )
        return None
    plain = {name: each for name, each in value.items() if name.startswith(OURS_TO_READ)}
    plain["lane"] = {
        "product": product,
        "context": value.get("context"),
        "instance": value.get("instance"),
    }
    try:
        return LaunchplaneLane.from_plain(plain)
    except ValidationError as problem:
        found += model_mistakes(
            problem, model=LaunchplaneLane, value=plain, place=place, lines=text.lines
        )
        return None
