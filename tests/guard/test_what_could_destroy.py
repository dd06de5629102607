"""Every place in the product that could destroy data or files is known, with its reason.

A new one fails here until somebody has said why it cannot reach a lane's data.
"""

import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
FOLDERS = ("addons", "driver", "contracts")
DESTROYS = re.compile(
    r"\bDROP\s+(DATABASE|TABLE|SCHEMA|OWNED|TABLESPACE|COLUMN|EXTENSION)|\bTRUNCATE\b"
    r"|\bDELETE\s+FROM\b|\bdropdb\b|\brmtree\b|\bunlink\b|\brmdir\b|\bos\.remove\b|\bremovedirs\b"
    r"|\.delete\(|\bdrop_table\b|\bdrop_column\b|\bdrop_all\b|\bdrop_index\b|\bdrop_constraint\b"
    r"|\bos\.replace\b|\bos\.truncate\b|\.truncate\(|\bshutil\b|--delete\b",
    re.IGNORECASE,
)
SIDE = "addons/launchplane_lane_authority/guard/side.py"
RELEASE = "addons/launchplane_lane_authority/guard/release.py"
SCRATCH = "addons/launchplane_lane_authority/guard/scratch.py"
REASONS: dict[tuple[str, str], str] = {
    (
        "addons/launchplane_lane_authority/guard/bundle_main.py",
        "shutil.rmtree(folder, ignore_errors=True)",
    ): "the bundle's own unpacked packages, in a folder of a random name in the temporary folder",
    (
        "addons/launchplane_lane_authority/guard/bundle_main.py",
        "import shutil",
    ): "for the line before",
    (
        "addons/launchplane_lane_authority/guard/durable.py",
        "unfinished.unlink(missing_ok=True)",
    ): "its own temporary file, of a random name made a moment ago",
    (
        "addons/launchplane_lane_authority/guard/durable.py",
        "import shutil",
    ): "for its copyfileobj, into a new file",
    (
        "addons/launchplane_lane_authority/guard/durable.py",
        "shutil.copyfileobj(given, taken, COPIED_AT_ONCE_BYTES)",
    ): "writes into a file that it made a moment ago (O_EXCL)",
    (
        "addons/launchplane_lane_authority/guard/copying.py",
        "path.unlink()",
    ): "a half-written copy of a random name, which the original's folder does not have",
    (
        "addons/launchplane_lane_authority/guard/copying.py",
        "unfinished.unlink()",
    ): "its own temporary file, of a random name made a moment ago",
    (
        "addons/launchplane_lane_authority/guard/copying.py",
        "(here / name).unlink()",
    ): "a file that the twin has the same, compared just before (tests/guard/test_volumes.py)",
    (
        "addons/launchplane_lane_authority/guard/copying.py",
        "(here / name).rmdir()",
    ): "an empty folder that the twin has as well",
    (
        "addons/launchplane_lane_authority/guard/copying.py",
        "tag.unlink()",
    ): "the tag of a copy, or of a served folder, in which nothing else is left",
    (
        "addons/launchplane_lane_authority/guard/copying.py",
        "folder.rmdir()",
    ): "that copy or folder, now empty",
    (
        "addons/launchplane_lane_authority/guard/filestore.py",
        "entry.unlink(missing_ok=True)",
    ): "a half-written tag of ours, by the name that only those have (tests/guard/test_volumes.py)",
    (
        "addons/launchplane_lane_authority/guard/filestore_repair.py",
        "temporary.unlink(missing_ok=True)",
    ): "its own temporary file, of a random name made a moment ago",
    (
        "addons/launchplane_lane_authority/guard/shadow.py",
        "link.unlink(missing_ok=True)",
    ): "one of two names of a file, in the shadow's folder of the keep",
    (
        "addons/launchplane_lane_authority/guard/shadow.py",
        "(self.folder / name).rmdir()",
    ): "an empty folder of a shadow",
    (
        "addons/launchplane_lane_authority/guard/shadow.py",
        "self.folder.rmdir()",
    ): "an empty folder of a shadow",
    (
        "addons/launchplane_lane_authority/guard/captured_files.py",
        "path.unlink()",
    ): "its own copy, made a moment ago, whose content is not what its name says",
    (
        "addons/launchplane_lane_authority/guard/backups_folder.py",
        "shutil.rmtree(folder, ignore_errors=True)",
    ): "a folder of its own making, of a random name, that never became a backup",
    (
        "addons/launchplane_lane_authority/guard/backups_folder.py",
        "import shutil",
    ): "for that",
    (
        "addons/launchplane_lane_authority/guard/backup_import.py",
        "shutil.rmtree(folder / INCOMING)",
    ): "what it unpacked a moment ago, in a folder of its own making",
    (
        "addons/launchplane_lane_authority/guard/backup_import.py",
        "import shutil",
    ): "for that",
    (
        "addons/launchplane_lane_authority/guard/unpacking.py",
        "path.unlink()",
    ): "a file that it unpacked a moment ago, whose content is not what its name says",
    (
        "addons/launchplane_lane_authority/guard/unpacking.py",
        "shutil.copyfile(path, target / path.name)",
    ): "writes into an empty folder of its own making",
    (
        "addons/launchplane_lane_authority/guard/unpacking.py",
        "shutil.copyfileobj(stream, taken, COPIED_AT_ONCE_BYTES)",
    ): "writes into a file that it made a moment ago",
    (
        "addons/launchplane_lane_authority/guard/unpacking.py",
        "import shutil",
    ): "for those",
    (
        "driver/store/drills.py",
        "session.delete(row)",
    ): "the host's note that a drill is at a lane",
    (
        SCRATCH,
        'cursor.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))',
    ): "a scratch, by a name that no lane's database may have (tests/backups/test_prove.py)",
    (
        SIDE,
        'cursor.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))',
    ): "a side database, by its name and without a tag (tests/backups/restores)",
    (
        SIDE,
        "(self.folder / name / VERIFIED).unlink(missing_ok=True)",
    ): "the note in the keep that a side database may take the lane's name",
    (
        SIDE,
        "shutil.rmtree(folder)",
    ): "the side folder of that side database, known by the same name",
    (
        SIDE,
        "import shutil",
    ): "for that",
    (
        RELEASE,
        'cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format'
        "(sql.Identifier(parting_name)))",
    ): "the release: the one place that drops a lane's data",
    (
        "addons/launchplane_lane_authority/guard/keep.py",
        "(self._begun(permit_id) / step).unlink(missing_ok=True)",
    ): "the keep's own note of a step that was not done",
    (
        "addons/launchplane_lane_authority/guard/release_notes.py",
        "(self.folder / step).unlink()",
    ): "the keep's own note that a database may be gone, where it still stands",
    (
        RELEASE,
        "shutil.rmtree(notes.files)",
    ): "the files of what was released, after its database is gone",
    (
        RELEASE,
        "import shutil",
    ): "for that",
    (
        "driver/durable.py",
        "unfinished.unlink(missing_ok=True)",
    ): "its own temporary file in the host directory",
    (
        "driver/migrations/versions/0001_foundations.py",
        'f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "',
    ): "a trigger of the host's store that forbids it",
    (
        "driver/migrations/versions/0004_evidence.py",
        '"CREATE TRIGGER evidence_no_truncate BEFORE TRUNCATE ON evidence "',
    ): "a trigger of the host's store that forbids it",
    (
        "driver/migrations/versions/0009_what_never_changes.py",
        'for what, each in (("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):',
    ): "triggers of the host's store that forbid both",
    (
        "driver/key_ring.py",
        "file.unlink()",
    ): "a private key that signs no more, in the host's own folder of keys",
    (
        "driver/doctor_people.py",
        'if shutil.which("ssh-keygen") is None:',
    ): "looks for a program",
    (
        "driver/doctor_people.py",
        "import shutil",
    ): "for that",
    (
        "addons/launchplane_lane_authority/data/neutralize.sql",
        "DELETE FROM public.launchplane_lane_marker;",
    ): "the marker of a copy that Odoo neutralises; data at its own place keeps its marker",
    (
        "addons/launchplane_lane_authority/models/launchplane_lane_sealed.py",
        "def unlink(self):  # pylint: disable=method-required-super",
    ): "Odoo's method, overridden so that it refuses",
}


def found() -> set[tuple[str, str]]:
    """Every line of code that matches; words in comments and docstrings count as well."""
    return {
        (str(path.relative_to(CHECKOUT)), line.strip())
        for folder in FOLDERS
        for path in sorted((CHECKOUT / folder).rglob("*"))
        if path.suffix in (".py", ".sql", ".xml", ".js", ".mako", ".sh", ".toml")
        and "tests" not in path.relative_to(CHECKOUT).parts
        for line in path.read_text(encoding="utf-8").splitlines()
        if DESTROYS.search(line)
    }


def test_each_place_is_known() -> None:
    unknown = found() - set(REASONS)
    assert not unknown, f"say why these cannot reach a lane's data: {sorted(unknown)}"


def test_no_reason_outlives_its_place() -> None:
    gone = set(REASONS) - found()
    assert not gone, f"these are no longer there: {sorted(gone)}"


def test_one_statement_of_the_product_drops_a_lanes_database() -> None:
    drops = [
        place for place in found() if re.search("drop\\s+database|dropdb", place[1], re.IGNORECASE)
    ]
    # Neither a scratch nor a side database ever was a lane's data.
    assert sorted(path for path, _line in drops) == [RELEASE, SCRATCH, SIDE]


def test_this_test_can_fail() -> None:
    for line in ('cursor.execute("drop  database x")', "shutil.rmtree(folder)", "path.unlink()"):
        assert DESTROYS.search(line)
