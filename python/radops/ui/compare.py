"""What differs between two files or directories of a lake."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from radops.ui import texts
from radops.ui.previews.tables_diff import TableDiff, compare_tables
from radops.ui.previews.text import READ, decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from radops.data_lake import CallInfo, DataLake, FileInfo

MOST_PATHS: Final = 300
_MOST_FOLDERS: Final = 100
_MOST_LINES: Final = 600


@dataclass
class Row:
    """One thing that differs."""

    name: str
    before: str
    after: str


@dataclass
class Part:
    """One kind of difference between directories."""

    title: str
    total: int
    paths: list[tuple[str, str]]
    """Path, and a note about it; the first of them."""


@dataclass
class Comparison:
    """What differs between two."""

    before: FileInfo
    after: FileInfo
    same: bool
    """Whether the contents are equal."""
    facts: list[Row] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    folders: list[tuple[str, list[int]]] = field(default_factory=list)
    """Of each folder: how many were added, removed, changed, moved."""
    calls: list[tuple[str, list[Row]]] = field(default_factory=list)
    """Differences of the calls that made them: parameters, inputs, code, environment."""
    code: list[tuple[str, str]] = field(default_factory=list)
    """Lines of the difference of their code, each with its kind: `add`, `del`, `at`, or empty."""
    lines: list[tuple[str, str]] = field(default_factory=list)
    """The same of their text."""
    table: TableDiff | None = None
    notes: list[str] = field(default_factory=list)


def compare(lake: DataLake, first: str, second: str) -> Comparison:
    """Compare two files, or two directories.

    Raises:
        UIDNotFoundError: There is no such file.
    """
    before, after = lake.info(first), lake.info(second)
    same = before.digest == after.digest and before.type == after.type
    found = Comparison(before, after, same, facts=list(_facts(before, after)))
    if before.type != after.type:
        found.notes.append("One is a file, the other a directory.")
    elif not same and before.type == "directory":
        _directories(lake, found)
    elif not same:
        _contents(lake, found)
    if before.call and after.call:
        _calls(found, before.call, after.call)
        for uid in (first, second):
            _now(lake, found, uid)
    return found


def _facts(before: FileInfo, after: FileInfo) -> Iterator[Row]:
    yield Row("made", texts.moment(before.created_at), texts.moment(after.created_at))
    yield Row("by", texts.shown(before.originator), texts.shown(after.originator))
    if before.files is not None or after.files is not None:
        yield Row("files", _count(before.files), _count(after.files))
    yield Row("size", texts.size(_bytes(before)), texts.size(_bytes(after)))
    yield Row("digest", before.digest.hex[:16], after.digest.hex[:16])
    yield Row("made by", _maker(before), _maker(after))


def _count(files: int | None) -> str:
    return "" if files is None else f"{files:,}"


def _bytes(info: FileInfo) -> int:
    return info.size if info.bytes is None else info.bytes


def _maker(info: FileInfo) -> str:
    return texts.shown(info.call.function if info.call else f"added from {info.source}")


# -- directories --------------------------------------------------------------------------------


def _directories(lake: DataLake, found: Comparison) -> None:
    diff = lake.directory(found.before.uid).diff(lake.directory(found.after.uid))
    kinds: list[tuple[str, list[tuple[str, str]]]] = [
        ("added", [(one.path, texts.size(one.size)) for one in diff.added]),
        ("removed", [(one.path, texts.size(one.size)) for one in diff.removed]),
        (
            "changed",
            [
                (one.path, f"{texts.size(one.before.size)} → {texts.size(one.after.size)}")
                for one in diff.changed
            ],
        ),
        ("moved", [(one.after, f"was {texts.shown(one.before)}") for one in diff.moved]),
    ]
    folders: dict[str, list[int]] = {}
    for index, (_, paths) in enumerate(kinds):
        for folder, number in Counter(path.rpartition("/")[0] for path, _ in paths).items():
            folders.setdefault(folder, [0, 0, 0, 0])[index] = number
    shown = sorted(folders.items(), key=lambda one: -sum(one[1]))[:_MOST_FOLDERS]
    found.folders = [(texts.shown(folder) or "(top)", numbers) for folder, numbers in shown]
    found.parts = [
        Part(title, len(paths), [(texts.shown(path), note) for path, note in paths[:MOST_PATHS]])
        for title, paths in kinds
    ]


# -- results of functions -----------------------------------------------------------------------


def _calls(found: Comparison, before: CallInfo, after: CallInfo) -> None:
    groups = [
        ("Function", _differing(_identity(before), _identity(after))),
        ("Parameters", _differing(_params(before), _params(after))),
        ("Inputs", _differing(_inputs(before), _inputs(after))),
        ("Environment", _differing(_environment(before), _environment(after))),
    ]
    found.calls = [(title, rows) for title, rows in groups if rows]
    if before.code.fingerprint != after.code.fingerprint:
        found.code = _diff(before.code.source or "", after.code.source or "")
        if not found.code:
            found.notes.append("The code differs in what the function uses, not in its own text.")
    elif not found.calls:
        found.notes.append("The same function, parameters, inputs, code and environment.")


def _identity(call: CallInfo) -> dict[str, str]:
    version = call.version or call.package_version or ""
    return {"function": texts.shown(call.function), "version": texts.shown(version)}


def _params(call: CallInfo) -> dict[str, str]:
    return {texts.shown(name): texts.value(one, 300) for name, one in call.params.items()}


def _inputs(call: CallInfo) -> dict[str, str]:
    inputs = [(one.arg, one) for one in call.inputs]
    inputs += [(f"read: {one.name}", one) for one in call.reads]
    return {
        texts.shown(arg): f"{texts.shown(one.name)} ({one.digest.hex[:12]})" for arg, one in inputs
    }


def _environment(call: CallInfo) -> dict[str, str]:
    environment: dict[str, Any] = dict(call.environment)
    packages: dict[str, str] = environment.pop("distributions", {})
    return {texts.shown(key): texts.shown(one) for key, one in (environment | packages).items()}


def _differing(before: dict[str, str], after: dict[str, str]) -> list[Row]:
    return [
        Row(name, before.get(name, "—"), after.get(name, "—"))
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]


def _now(lake: DataLake, found: Comparison, uid: str) -> None:
    """Note where a result is not what would be made now."""
    made = lake.why(uid)
    found.notes += [
        f"{texts.shown(uid)}: {texts.shown(one.uid)} has other bytes now"
        if one.state == "changed"
        else f"{texts.shown(uid)}: {texts.shown(one.uid)} was deleted since"
        for one in made.inputs
        if one.state != "same"
    ]


# -- contents -----------------------------------------------------------------------------------


def _contents(lake: DataLake, found: Comparison) -> None:
    found.table = compare_tables(lake, found.before, found.after)
    if found.table is not None:
        return
    contents = []
    for info in (found.before, found.after):
        with lake.file(info.uid).open("rb", fetch="ranges") as stream:
            data = stream.read(READ)
        contents.append(decoded(data, whole=len(data) == info.size))
    before, after = contents
    if before is None or after is None:
        found.notes.append("They are not text.")
        return
    found.lines = _diff(before, after)
    if max(found.before.size, found.after.size) > READ:
        found.notes.append(f"The first {texts.size(READ)} of each are compared.")


def _diff(before: str, after: str) -> list[tuple[str, str]]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    made = [_line(line) for line in _first(lines, _MOST_LINES)]
    return made[2:]


def _line(line: str) -> tuple[str, str]:
    kind = {"+": "add", "-": "del", "@": "at"}.get(line[:1], "")
    return kind, texts.shown(line[:1000], keep="\t")


def _first(lines: Iterable[str], most: int) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number == most:
            yield " …"
            return
        yield line
