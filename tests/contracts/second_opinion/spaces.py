"""The situations that are tried: whole products, neighbourhoods, covering arrays, random ones.

All are generated in one fixed order from what stands here, so that a run can be repeated.
"""

import itertools
import random
from collections.abc import Iterator, Sequence

from .situation import BASES, VARIANTS, Situation

# A prime that is not smaller than the longest list of variants.
FIELD = 11
SEED = 20260301


def product_around(base: Situation, *facts: str) -> Iterator[Situation]:
    """Every combination of all variants of these facts, the rest as in the base."""
    for variants in itertools.product(*(VARIANTS[fact] for fact in facts)):
        yield {**base, **dict(zip(facts, variants, strict=True))}


PRODUCTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "policy": (
        "healthy",
        (
            "request",
            "data",
            "provisional",
            "from empty",
            "from upstream",
            "upstream on record",
            "backup",
            "restore proof",
            "runtime identity",
            "marker says",
        ),
    ),
    "policy without a gate": (
        "given up",
        (
            "request",
            "data",
            "provisional",
            "backup",
            "restore proof",
            "claim",
            "requester",
            "declared lost",
        ),
    ),
    "place": ("healthy", ("request", "database", "marker", "files")),
    "place of remains": ("remains", ("database", "marker", "files", "under way")),
    "place of nothing": ("nothing there", ("request", "database", "marker", "files")),
    "retry": ("remains", ("request", "under way", "retries", "asked then", "database")),
    "remains": (
        "remains",
        (
            *("under way", "database", "host's record", "oid", "tag", "another lane's own"),
            "declared lost",
        ),
    ),
    "what remains say": (
        "remains",
        ("data", "provisional", "marker says", "claim", "found then", "request", "tag"),
    ),
    "pending": (
        "change under way",
        ("under way", "retries", "asked then", "marker", "permit in the marker"),
    ),
    "keep": ("production", ("request", "keep", "room", "files", "role")),
    "witness": (
        "healthy",
        ("request", "runtime", "attesting", "runtime identity", "data", "provisional", "claim"),
    ),
    "evidence": (
        "change under way",
        ("gate", "age of the gate", "data proof", "backup", "restore proof", "retries", "begin"),
    ),
    "evidence of what need not be kept": (
        "healthy",
        (
            "gate",
            "age of the gate",
            "data proof",
            "backup",
            "restore proof",
            "host's record",
            "declared lost",
        ),
    ),
    "upstream": (
        "healthy",
        (
            "request",
            "upstream on record",
            "declared source",
            "place of the source",
            "oid",
            "from upstream",
            "data",
        ),
    ),
    "backup": ("production", ("request", "backup to restore", "load proof", "lanes", "store")),
    "kept": (
        "healthy",
        ("request", "kept data", "kept data is", "kept data was", "lanes", "data", "kept for"),
    ),
    "target": ("healthy", ("request", "target on record", "target", "target read from")),
    "people": (
        "production",
        ("request", "requester", "approvers", "approvers asked here", "data", "claim"),
    ),
    "people where nothing stands": (
        "nothing there",
        ("data", "database", "marker", "files", "approvers"),
    ),
    "host": ("healthy", ("request", "policy", "store", "clock", "lanes", "under way")),
}
"""Products that are tried as a whole: the facts that one question turns on, around a situation."""


def whole_products() -> Iterator[Situation]:
    """Every situation of every product."""
    for base, facts in PRODUCTS.values():
        yield from product_around(BASES[base], *facts)


def neighbours(base: Situation, *, changes: int) -> Iterator[Situation]:
    """Every situation that differs from the base in exactly so many facts."""
    for facts in itertools.combinations(VARIANTS, changes):
        others = [[each for each in VARIANTS[fact] if each != base[fact]] for fact in facts]
        for variants in itertools.product(*others):
            yield {**base, **dict(zip(facts, variants, strict=True))}


def families(columns: int, strength: int) -> list[list[int]]:
    """Ways to colour the columns with `FIELD` + 1 colours.

    For any `strength` columns, one of the ways gives each of them a colour of its own.
    """
    chooser = random.Random(SEED)  # noqa: S311 - repeatable on purpose
    open_groups = list(itertools.combinations(range(columns), strength))
    found = []
    while open_groups:
        tries = [[chooser.randrange(FIELD + 1) for _ in range(columns)] for _ in range(8)]
        best = min(tries, key=lambda way: sum(_clashes(way, group) for group in open_groups))
        found.append(best)
        open_groups = [group for group in open_groups if _clashes(best, group)]
    return found


def _clashes(way: Sequence[int], group: Sequence[int]) -> bool:
    return len({way[column] for column in group}) < len(group)


def covering(strength: int) -> Iterator[Situation]:
    """Situations among which every `strength` facts take every combination of their variants.

    Why it does: a polynomial of that many coefficients over a field of prime size is settled by
    its values at as many points (the leading coefficient is its value at the point beyond all), so
    the values of all polynomials hold, at any so many points, every combination. Columns with
    different colours are different points; a value beyond a fact's list counts from its start.
    """
    facts = list(VARIANTS)
    for way in families(len(facts), strength):
        for coefficients in itertools.product(range(FIELD), repeat=strength):
            values = [_value(coefficients, point) for point in range(FIELD)]
            values.append(coefficients[-1])
            yield {
                fact: VARIANTS[fact][values[colour] % len(VARIANTS[fact])]
                for fact, colour in zip(facts, way, strict=True)
            }


def _value(coefficients: Sequence[int], point: int) -> int:
    total = 0
    for coefficient in reversed(coefficients):
        total = (total * point + coefficient) % FIELD
    return total


def random_situations(count: int, seed: int = SEED) -> Iterator[Situation]:
    """Random situations: mostly a few facts away from one that is allowed, some quite wild."""
    chooser = random.Random(seed)  # noqa: S311 - repeatable on purpose
    facts, bases = list(VARIANTS), list(BASES.values())
    for _ in range(count):
        situation = dict(chooser.choice(bases))
        situation["request"] = chooser.choice(VARIANTS["request"])
        wild = min(len(facts), int(chooser.expovariate(0.25)))
        for fact in chooser.sample(facts, wild):
            situation[fact] = chooser.choice(VARIANTS[fact])
        yield situation
