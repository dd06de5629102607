"""People with SSH keys: one who asks, and others who approve."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Someone:
    """A person and their key."""

    name: str
    key_file: Path


def make_people(folder: Path, approvers_file: Path, names: tuple[str, ...]) -> dict[str, Someone]:
    """Make a key for each name, and add it to the approvers file."""
    folder.mkdir(mode=0o700, parents=True)
    people = {}
    with approvers_file.open("a", encoding="utf-8") as approvers:
        for name in names:
            key_file = folder / name
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key_file)],
                check=True,
            )
            public = key_file.with_suffix(".pub").read_text().split()[:2]
            approvers.write(f'{name} namespaces="launchplane-lane-authority" {" ".join(public)}\n')
            people[name] = Someone(name, key_file)
    return people
