"""Who may ask over HTTP: bearer tokens of people, of which only the digests are kept."""

import hashlib
import hmac
import secrets
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from launchplane_lane_contracts.contract import Digest, DigestField, Person, PersonField
from launchplane_lane_contracts.errors import BadInput, CouldNotTell

_PERSON: TypeAdapter[Person] = TypeAdapter(PersonField)
_DIGEST: TypeAdapter[Digest] = TypeAdapter(DigestField)
SCHEME = "bearer "


def new_token(person: Person) -> tuple[str, str]:
    """A token, and the line of the tokens file that lets it in."""
    token = secrets.token_urlsafe(32)
    return token, f"{digest_of(token)} {person}"


def digest_of(token: str) -> str:
    """What is kept of a token: it has 256 random bits, so a plain digest gives nothing away."""
    return hashlib.sha256(token.encode()).hexdigest()


class Tokens:
    """The people whose tokens count."""

    def __init__(self, people: dict[Digest, Person]) -> None:
        self._people = people

    @classmethod
    def from_file(cls, path: Path) -> "Tokens":
        """Read a file of lines DIGEST PERSON; `#` begins a remark.

        Raises BadInput with every line that is none, CouldNotTell where it cannot be read.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise BadInput(f"{path} is no text. Make it anew with `serve --new-token`.") from None
        except OSError as problem:
            raise CouldNotTell(f"{path} cannot be read: {problem.strerror}.") from None
        people: dict[Digest, Person] = {}
        faults = []
        for number, line in enumerate(text.splitlines(), 1):
            words = line.partition("#")[0].strip()
            if not words:
                continue
            digest, _blank, person = words.partition(" ")
            try:
                people[_DIGEST.validate_python(digest)] = _PERSON.validate_python(person.strip())
            except ValidationError:
                faults.append(f"line {number} of {path} is not the digest of a token and a person")
        if faults:
            raise BadInput("; ".join(faults) + ". `lane-authority serve --new-token` makes one.")
        return cls(people)

    def person(self, authorization: str) -> Person | None:
        """Whose token a request carries; None where it carries none that counts."""
        if not authorization.lower().startswith(SCHEME):
            return None
        given = digest_of(authorization[len(SCHEME) :].strip())
        found = None
        for digest, person in self._people.items():
            # Each is compared, so that the time tells nothing.
            if hmac.compare_digest(digest, given):
                found = person
        return found
