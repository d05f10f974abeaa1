"""Variables of modules whose values the source does not fix.

The fingerprint covers the statement that sets a variable, not what the statement found when it
ran: the program's arguments, the environment, a file. Nor does it cover what other code put into
the variable later. Both are found here, so that a call can say what its key does not cover.
"""

from __future__ import annotations

import ast
import builtins
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from radops.provenance.references import references
from radops.provenance.resolve import Node, Outside, Resolver, Target
from radops.provenance.unit import bound_names, joined, label
from radops.provenance.values import OpaqueError, canonical_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from radops.provenance.source_files import Located, Source
    from radops.provenance.unit import LoadedModules, Unit

# What a program learns from outside of its code, by the dotted names of Python's own modules and
# of the usual libraries. A name that ends in a dot covers everything below it.
_SOURCES: Final = (
    *("sys.argv", "sys.orig_argv", "sys.stdin", "argparse.", "optparse.", "getopt.", "click."),
    *("os.environ", "os.environb", "os.getenv", "os.getcwd", "os.getpid", "os.listdir"),
    *("os.scandir", "os.walk", "os.popen", "os.system", "glob.glob", "glob.iglob", "subprocess."),
    *("io.open", "codecs.open", "fileinput.", "configparser.", "netrc.", "sqlite3.connect"),
    *("time.time", "time.time_ns", "time.strftime", "time.localtime", "datetime.datetime.now"),
    *("datetime.datetime.today", "datetime.datetime.utcnow", "datetime.date.today"),
    *("uuid.uuid1", "uuid.uuid4", "secrets.", "os.urandom", "getpass.", "socket.gethostname"),
    *("platform.node", "urllib.request.", "requests.", "httpx.", "dotenv.", "decouple."),
    *("environs.", "environ.", "pydantic_settings.", "hydra.", "absl.flags"),
)
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BUILT_IN: Final = frozenset({"open", "input"})
# Readers by the last part of their name, in whatever library: `yaml.safe_load`, `pd.read_csv`.
_READERS: Final = frozenset(
    {"load", "safe_load", "full_load", "unsafe_load", "loadtxt", "genfromtxt", "fromfile"}
)
_METHODS: Final = frozenset({"read_text", "read_bytes", "parse_args", "parse_known_args"})
_MAX_NODES: Final = 2_000
_MAX_WATCHED_ITEMS: Final = 100


def not_covered(units: Sequence[Unit], resolver: Resolver, modules: LoadedModules) -> Iterator[str]:
    """Yield where the value of a variable of a module is not in the source, in words.

    Args:
        units: The pieces of code that a fingerprint consists of, the function itself first.
        resolver: Finds what names mean; it gets the variables whose change matters.
        modules: The variables of loaded modules.
    """
    for unit in units[1:]:
        if unit.source is None or unit.source.is_cell or unit.scope is not None or unit.parents:
            continue
        node = unit.nodes[0] if len(unit.nodes) == 1 else None
        if not isinstance(node, ast.stmt):
            continue
        names = bound_names(unit.source, node)
        shown = label(unit.source, node, joined(names))
        read = origin(resolver, unit.source, node)
        if read is not None:
            yield f"{shown}: it is set from {read} when the module is imported"
        elif len(names) == 1 and isinstance(node, (ast.Assign, ast.AnnAssign)):
            why = _change(units, resolver, modules, unit.source, node, names[0])
            if why is not None:
                yield f"{shown}: {why}"


def _change(
    units: Sequence[Unit],
    resolver: Resolver,
    modules: LoadedModules,
    source: Source,
    node: ast.stmt,
    name: str,
) -> str | None:
    """Return how code that is not followed changes a variable; what is followed counts anyway."""
    followed = [one for unit in units for one in unit.nodes if unit.source is source]
    if any(changes(one, name) for one in followed if isinstance(one, _DEFINITIONS)):
        return None
    found = setters(source, name)
    if found:
        return f"{label(source, found[0].node)} sets it while the program runs"
    form = literal(source, name, node)
    variables = modules.variables(source)
    if form is None or name not in variables:
        return None
    resolver.watched.append((variables, name, variables[name]))
    if differs(variables[name], form):
        return "its value is not the one in the source any more"
    return None


def origin(resolver: Resolver, source: Source, node: ast.stmt) -> str | None:
    """Return what a module-level statement reads when its module is imported.

    Args:
        resolver: Resolves names.
        source: Where the statement is.
        node: An assignment, a definition, any other statement.

    Returns:
        The first source that is met, such as `sys.argv`; None if there is none.
    """
    # Definitions that are called count with all that is in them.
    queue = deque((source, part) for part in _run_at_import(node))
    seen: set[ast.AST] = set()
    for _ in range(_MAX_NODES):
        if not queue:
            break
        where, part = queue.popleft()
        if methods := _methods(part):
            return min(methods)
        found = references(part)
        for name, targets in _targets(resolver, where, found.names, found.imports):
            if not targets and name in _BUILT_IN:
                return name
            label = next(filter(None, map(_outside, targets)), None)
            if label is not None:
                return label
            for item in filter(_is_followed, targets):
                if item.node not in seen:
                    seen.add(item.node)
                    queue.append((item.source, item.node))
    return None


def _is_followed(target: Target) -> TypeGuard[Node]:
    """Return whether a target is a definition; other variables are reported for themselves."""
    if not isinstance(target, Node) or target.scope is not None or target.parents:
        return False
    return isinstance(target.node, _DEFINITIONS)


def _run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a statement that run when its module is imported."""
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = item.args
            yield from (*item.decorator_list, *arguments.defaults)
            yield from filter(None, arguments.kw_defaults)
        elif isinstance(item, ast.ClassDef):
            yield from (*item.decorator_list, *item.bases)
            stack += reversed(item.body)
        else:
            yield item


def _methods(node: ast.AST) -> set[str]:
    return {
        item.func.attr
        for item in ast.walk(node)
        if isinstance(item, ast.Call)
        and isinstance(item.func, ast.Attribute)
        and item.func.attr in _METHODS
    }


def _targets(
    resolver: Resolver, source: Source, names: Iterable[tuple[str, ...]], imports: Iterable[Any]
) -> Iterator[tuple[str, list[Target]]]:
    for path in sorted(names):
        if (
            path[0] not in _BUILT_IN
            and path[0] in vars(builtins)
            and path[0] not in source.bindings
        ):
            continue
        yield path[0], resolver.in_source(source, path)
    for what, rest in sorted(imports):
        yield "", resolver.of_import(source, what, rest)


def _outside(target: Target) -> str | None:
    """Return the name of a source; None if the target is none."""
    if not isinstance(target, Outside):
        return None
    parts = [*target.module.split("."), *([target.name] if target.name else []), *target.rest]
    for end in range(len(parts), 0, -1):
        name = ".".join(parts[:end])
        if name in _SOURCES or (len(parts) > 1 and f"{name}." in _SOURCES):
            return name if name in _SOURCES else ".".join(parts)
    last = parts[-1]
    if len(parts) > 1 and (last in _READERS or last.startswith("read_")):
        return ".".join(parts)
    return None


def environment_variables(node: ast.AST) -> set[str]:
    """Return the environment variables that code reads by a literal name; by its spelling."""
    found = set()
    for item in ast.walk(node):
        if isinstance(item, ast.Subscript):
            owner, key = item.value, item.slice
        elif isinstance(item, ast.Call) and item.args:
            owner, key = item.func, item.args[0]
            if isinstance(owner, ast.Attribute) and owner.attr in {"get", "setdefault", "pop"}:
                owner = owner.value
            elif _last(owner) != "getenv":
                continue
        else:
            continue
        name = key.value if isinstance(key, ast.Constant) else None
        if _last(owner) in {"environ", "getenv"} and isinstance(name, str):
            found.add(name)
    return found


def _last(node: ast.expr) -> str | None:
    return getattr(node, "attr", None) or getattr(node, "id", None)


def setters(source: Source, name: str) -> list[Located]:
    """Return the functions that assign to a variable of their module by `global`."""
    return [
        item
        for (_, _), items in source.definitions.items()
        for item in items
        if isinstance(item.node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and any(isinstance(n, ast.Global) and name in n.names for n in ast.walk(item.node))
    ]


def changes(node: ast.AST, name: str) -> bool:
    """Return whether code may change what a variable of its module holds; by its spelling."""
    for item in ast.walk(node):
        if isinstance(item, ast.Global) and name in item.names:
            return True
        stored = isinstance(item, (ast.Attribute, ast.Subscript)) and not isinstance(
            item.ctx, ast.Load
        )
        changed = item if stored else getattr(getattr(item, "func", None), "value", None)
        if isinstance(changed, ast.expr) and _root(changed) == name:
            return True
    return False


def _root(node: ast.expr) -> str | None:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def literal(source: Source, name: str, node: ast.stmt) -> bytes | None:
    """Return the form of the value that the source gives a variable; None if it is no literal.

    Also None for large tables, which would cost too much to compare at every call.
    """
    value = getattr(node, "value", None)
    if len(source.bindings.get(name, ())) != 1 or not isinstance(value, ast.expr):
        return None
    if sum(1 for _ in ast.walk(value)) > _MAX_WATCHED_ITEMS:
        return None
    try:
        return canonical_value(ast.literal_eval(value))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, OpaqueError):
        return None


def differs(value: object, form: bytes) -> bool:
    """Return whether a variable holds something else than the literal with that form."""
    try:
        return canonical_value(value) != form
    except OpaqueError:
        return True
