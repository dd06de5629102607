"""Reads the driver's source for every way to an effect: the guard, programs, files, servers.

It goes by what is mentioned, not by what is called: an order that is handed on under another name,
or given outside of any function, is a way as well. What may be imported is a list that is allowed;
whatever is not in it is complained of, so that a way which nobody thought of does not pass.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

OUTSIDE = "(outside of any function)"

HARMLESS = frozenset(
    [
        "__future__",
        "abc",
        "base64",
        "bisect",
        "calendar",
        "click",
        "collections",
        "concurrent.futures",
        "contextlib",
        "contextvars",
        "cryptography",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "errno",
        "fcntl",
        "functools",
        "getpass",
        "heapq",
        "hmac",
        "hashlib",
        "importlib.metadata",
        "importlib.util",
        "io",
        "ipaddress",
        "itertools",
        "json",
        "launchplane_lane_contracts",
        "logging",
        "math",
        "pathlib",
        "pluggy",
        "pydantic",
        "re",
        "rich",
        "secrets",
        "shlex",
        "stat",
        "statistics",
        "string",
        "sys",
        "textwrap",
        "threading",
        "time",
        "tomllib",
        "traceback",
        "types",
        "typing",
        "unicodedata",
        "urllib.parse",
        "urllib3",
        "uuid",
        "warnings",
        "zoneinfo",
    ]
)
"""What may be imported anywhere: it reaches no lane but by what is looked for below."""
POWERS: Mapping[str, frozenset[str]] = {
    "subprocess": frozenset({"guard_client", "approvals", "database_witness", "guard_bundle"}),
    "psycopg": frozenset({"database_witness", "connection_name"}),
    "requests": frozenset({"runtime_client", "launchplane_source"}),
    "jwt": frozenset({"keys"}),
    # It answers others; what it answers with is the driver's own.
    "werkzeug": frozenset({"web.application", "commands.serve_command"}),
    "tempfile": frozenset({"approvals", "guard_bundle"}),
    "zipfile": frozenset({"guard_bundle"}),
    "shutil": frozenset({"doctor_people"}),
    "alembic": frozenset({"store.migrate"}),
    "os": frozenset(
        {
            *("approvals", "commands.decide_command", "commands.keys_commands", "durable"),
            *("commands.rebuild_commands", "database_witness", "host_directory", "keys"),
            *("ledger_head", "store.engine", "commands.launchplane_commands"),
        }
    ),
}
"""What can do something, and the modules that may import it; sqlalchemy is for the store alone."""

ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "os": frozenset(
        [
            "O_CLOEXEC",
            "O_CREAT",
            "O_DIRECTORY",
            "O_EXCL",
            "O_RDONLY",
            "O_RDWR",
            "O_WRONLY",
            "W_OK",
            "X_OK",
            "access",
            "close",
            "devnull",
            "dup",
            "dup2",
            "environ",
            "fchmod",
            "fdopen",
            "fsync",
            "open",
        ]
    ),
    "shutil": frozenset({"which"}),
    "sys": frozenset(
        [
            "argv",
            "executable",
            "exit",
            "exc_info",
            "stderr",
            "stdin",
            "stdout",
            "version_info",
            "platform",
        ]
    ),
    "importlib.util": frozenset({"find_spec"}),
}
"""All that may be mentioned of a module, whoever imports it."""

CHANGES_FILES = frozenset(
    [
        "unlink",
        "rmdir",
        "rmtree",
        "rename",
        "renames",
        "removedirs",
        "remove",
        "truncate",
        "write_text",
        "write_bytes",
        "hardlink_to",
        "symlink_to",
        "touch",
        "chmod",
        "lchmod",
        "mkdir",
        "makedirs",
        "copy2",
        "copyfile",
        "copytree",
        "extractall",
    ]
)
NEVER = frozenset(
    [
        "exec",
        "eval",
        "compile",
        "__import__",
        "globals",
        "locals",
        "vars",
        "setattr",
        "delattr",
        "breakpoint",
        "__builtins__",
        "__dict__",
        "__globals__",
        "__subclasses__",
        "__getattribute__",
        "modules",
        "import_module",
        "exec_module",
        "launch",
        "ProcessPoolExecutor",
        "create_subprocess_exec",
        "create_subprocess_shell",
        "system",
        "popen",
    ]
)
"""By these anything can be reached under any name."""
WORDS_OF_SUBPROCESS = frozenset({"DEVNULL", "PIPE", "TimeoutExpired", "CompletedProcess"})
HANDS = frozenset({"carry_out", "ask", "sweep"})
"""What the guard client offers that has the guard do something."""
READS_ONLY = frozenset({"show", "unread", "failure_of", "require_answer", "NO_GUARD"})


@dataclass(frozen=True)
class Way:
    """One place from which something is done."""

    kind: str
    """order, asks, signs, program, files, statement, address, reaches."""
    module: str
    function: str
    what: str
    """The order, or what is mentioned."""


class Search(ast.NodeVisitor):
    """All ways in one module, and all complaints about how it is written."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self.module, self.ways, self.complaints = module, set[Way](), set[str]()
        self._function = OUTSIDE
        self._from_guard: set[str] = set()
        self._called: set[int] = set()
        self._owners: set[int] = set()
        self._arguments: dict[str, ast.expr] = {}
        self.visit(tree)

    # -- names ---------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """What is in it is in this function."""
        before, self._function = self._function, node.name
        self.generic_visit(node)
        self._function = before

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast looks for this name

    def _complain(self, node: ast.AST, words: str) -> None:
        self.complaints.add(f"{self.module}:{getattr(node, 'lineno', 0)}: {words}")

    def _way(self, kind: str, what: str) -> None:
        self.ways.add(Way(kind, self.module, self._function, what))

    # -- imports -------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        """A module by its name."""
        for each in node.names:
            self._imported(node, each.name)
            if each.asname and each.name.split(".")[0] in POWERS:
                self._complain(node, f"{each.name} under another name")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Names out of a module."""
        module = node.module or ""
        if node.level == 0:
            self._imported(node, module)
            allowed = ATTRIBUTES.get(module)
            for each in node.names:
                if module in ("subprocess", "os") or (allowed and each.name not in allowed):
                    self._complain(node, f"{each.name} out of {module}")
        for each in node.names:
            if each.name in NEVER:
                self._complain(node, each.name)
            if each.name == "*":
                self._complain(node, "everything of a module")
            if each.name == "guard_client" and each.asname:
                self._complain(node, "the guard's client under another name")
            if module.split(".")[-1] == "guard_client":
                self._from_guard.add(each.name)
                if each.name not in HANDS | READS_ONLY or each.asname:
                    self._complain(node, f"{each.name} of the guard's client")
            if each.name == "create_engine" and self.module != "store.engine":
                self._complain(node, "a database of its own")

    def _imported(self, node: ast.AST, name: str) -> None:
        parts = name.split(".")
        names = {".".join(parts[:number]) for number in range(1, len(parts) + 1)}
        if names & HARMLESS or any(self.module in POWERS.get(each, ()) for each in names):
            return
        if parts[0] == "sqlalchemy" and self.module.startswith("store."):
            return
        self._complain(node, f"imports {name}")

    # -- mentions ------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        """Something is called."""
        self._called.add(id(node.func))
        said = ast.unparse(node.func)
        hand = said.removeprefix("guard_client.")
        if hand in HANDS and (said != hand or hand in self._from_guard):
            self._order(node, hand)
        if said == "getattr":
            self._reaches(node)
        if said.rsplit(".", 1)[-1] in ("post", "put", "patch", "delete", "request", "edit"):
            self._way("statement", said)
        # A path takes the place of another; texts and instants are given two words, or none.
        if said.endswith(".replace") and len(node.args) == 1 and not node.keywords:
            self._way("files", "replace")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """A list of words may be made before it is used."""
        if isinstance(node.targets[0], ast.Name):
            self._arguments[f"{self._function}:{node.targets[0].id}"] = node.value
        self.generic_visit(node)

    def _order(self, node: ast.Call, hand: str) -> None:
        word: ast.expr | None = ast.Constant("sweep")
        if hand != "sweep":
            word = node.args[1] if len(node.args) > 1 else None
        if hand == "ask" and isinstance(word, ast.Name):
            word = self._arguments.get(f"{self._function}:{word.id}")
        if hand == "ask":
            word = word.elts[0] if isinstance(word, ast.List) and word.elts else None
        if self._function == OUTSIDE:
            self._complain(node, "an order outside of any function")
        elif isinstance(word, ast.Constant) and isinstance(word.value, str):
            self._way("order" if hand == "carry_out" else "asks", word.value)
        else:
            self._complain(node, "an order that cannot be read here")

    def _reaches(self, node: ast.Call) -> None:
        """An attribute by its name: one that is known, or a name that is written there."""
        name = node.args[1]
        if not isinstance(name, ast.Constant):
            self._way("reaches", ast.unparse(node.args[0]))
        elif name.value in NEVER | CHANGES_FILES | HANDS | {"sign", "guard_command"}:
            self._complain(node, f"reaches for {name.value!r}")

    def visit_Name(self, node: ast.Name) -> None:
        """A name is mentioned."""
        name = node.id
        if name in NEVER:
            self._complain(node, name)
        if name in {*POWERS, "guard_client", "sys"} and id(node) not in self._owners:
            self._complain(node, f"{name} under another name")
        if name in self._from_guard & HANDS and id(node) not in self._called:
            self._complain(node, f"{name} is handed on")
        if name == "open":
            self._way("files", "open")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """A word is written."""
        if node.value == "guard_command":
            self._way("address", "guard_command")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """An attribute is mentioned."""
        owner, name = ast.unparse(node.value), node.attr
        self._owners.add(id(node.value))
        if name in NEVER and owner != "re":
            self._complain(node, f"{owner}.{name}")
        if owner in ATTRIBUTES and name not in ATTRIBUTES[owner]:
            self._complain(node, f"{owner}.{name}")
        if owner == "guard_client":
            if name not in HANDS | READS_ONLY:
                self._complain(node, f"guard_client.{name}")
            if name in HANDS and id(node) not in self._called:
                self._complain(node, f"{name} is handed on")
        if name == "sign":
            self._way("signs", owner)
        if owner == "jwt" and name == "encode":
            self._way("signs", "jwt.encode")
        if owner == "subprocess" and name not in WORDS_OF_SUBPROCESS:
            self._way("program", name)
        if name in CHANGES_FILES or (owner == "os" and name == "open"):
            self._way("files", name)
        if name == "guard_command":
            self._way("address", name)
        if name in ("execute", "executemany", "exec_driver_sql", "cursor", "copy", "connect"):
            self._way("statement", name)
        self.generic_visit(node)


@lru_cache(maxsize=1000)
def _found(module: str, text: str) -> Search:
    return Search(module, ast.parse(text))


def search(modules: Mapping[str, str]) -> tuple[set[Way], set[str]]:
    """Every way in these modules, and every complaint about them."""
    found = [_found(module, text) for module, text in modules.items()]
    ways = {way for each in found for way in each.ways}
    return ways, {complaint for each in found for complaint in each.complaints}


def named(ways: set[Way], *kinds: str) -> Iterator[Way]:
    """Those of these kinds."""
    return (each for each in ways if each.kind in kinds)
