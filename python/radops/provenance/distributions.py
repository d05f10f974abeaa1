"""Which installed distributions a program has imported, without reading what it has not.

`importlib.metadata` answers this too, at the price of parsing the metadata of everything that is
installed. Here the names of folders give names and versions, and file lists are read once.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from radops.provenance.modules import cached_path
from radops.provenance.project import installed_root

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = re.compile(r"(.+?)-([^-]+?)(?:-py[\d.]+.*)?\.(?:dist|egg)-info")

# What setuptools puts into every interpreter as it starts, and the program itself.
_NOT_IMPORTED_BY_CODE = frozenset({"_distutils_hack", "__main__", "__mp_main__"})


@dataclass(frozen=True, slots=True)
class Distribution:
    """One installed distribution."""

    name: str
    """In its normal form: lower case, `-` between words."""
    version: str
    folder: str
    """Its `.dist-info` or `.egg-info`."""

    @property
    def root(self) -> str:
        """The folder that it is installed into."""
        return os.path.dirname(self.folder)


class Installed:
    """The distributions that are installed along `sys.path`, looked up once."""

    def __init__(self) -> None:
        self._top_levels: dict[str, list[Distribution]] = {}
        self._editable: dict[str, Distribution] = {}
        self._listed: set[str] = set()
        self._known: dict[str, Distribution | None] = {}
        self._files: dict[str, frozenset[str]] = {}

    def imported(self) -> dict[str, str]:
        """Return name and version of each distribution that the program has imported."""
        self._look_along_path()
        modules = list(sys.modules)
        found: dict[str, str] = {}
        for top in {name.partition(".")[0] for name in modules}:
            if top in sys.stdlib_module_names or top in _NOT_IMPORTED_BY_CODE:
                continue
            owners = self._top_levels.get(top, [])
            if len(owners) == 1:
                found[owners[0].name] = owners[0].version
            elif owners:  # parts of a namespace: those of which a module is loaded
                inner = [name for name in modules if name.partition(".")[0] == top]
                loaded = filter(None, (self._owner_of_module(name) for name in inner))
                found.update({owner.name: owner.version for owner in loaded})
            else:
                owner = self._owner_of_module(top)
                if owner is not None:
                    found[owner.name] = owner.version
        return dict(sorted(found.items()))

    def version_of(self, file: str) -> str | None:
        """Return the version of the distribution that a source file belongs to, None if none."""
        self._look_along_path()
        owner = self._owner(cached_path(file))
        return owner.version if owner is not None else None

    def _owner_of_module(self, name: str) -> Distribution | None:
        file = getattr(sys.modules.get(name), "__file__", None)
        return self._owner(cached_path(file)) if isinstance(file, str) else None

    def _owner(self, path: str) -> Distribution | None:
        if path not in self._known:
            self._known[path] = self._find_owner(path)
        return self._known[path]

    def _find_owner(self, path: str) -> Distribution | None:
        root = installed_root(os.path.dirname(path))
        if root is None:
            # Installed in place: the distribution's metadata names its source folder.
            parents = [str(parent) for parent in Path(path).parents]
            return next((self._editable[at] for at in parents if at in self._editable), None)
        place = os.path.relpath(path, root).replace(os.sep, "/")
        top = place.partition("/")[0].partition(".")[0]
        owners = [item for item in self._top_levels.get(top, []) if item.root == root]
        if len(owners) > 1:
            owners = [item for item in owners if place in self._files_of(item)]
        return owners[0] if owners else None

    def _files_of(self, distribution: Distribution) -> frozenset[str]:
        found = self._files.get(distribution.folder)
        if found is None:
            found = frozenset(_record(distribution.folder))
            self._files[distribution.folder] = found
        return found

    def _look_along_path(self) -> None:
        """Read the distributions of folders that came to `sys.path` since the last time."""
        for entry in sys.path:
            root = os.path.abspath(entry)
            if root in self._listed:
                continue
            self._listed.add(root)
            try:
                with os.scandir(root) as items:
                    folders = sorted(item.path for item in items if item.name.endswith("-info"))
            except OSError:
                continue
            for folder in folders:
                self._add(folder)
            self._known.clear()

    def _add(self, folder: str) -> None:
        match = _FOLDER.fullmatch(os.path.basename(folder))
        name, version = (match[1], match[2]) if match else _from_metadata(folder)
        if not name or not version:
            return
        distribution = Distribution(re.sub(r"[-_.]+", "-", name).lower(), version, folder)
        source = _editable_source(folder)
        if source is not None:
            self._editable.setdefault(source, distribution)
        for top in _top_levels(folder):
            self._top_levels.setdefault(top, []).append(distribution)


def _from_metadata(folder: str) -> tuple[str | None, str | None]:
    """Read name and version where the folder's name lacks the version, as in a source tree."""
    found: dict[str, str] = {}
    for line in (_read(folder, "PKG-INFO") or _read(folder, "METADATA")).splitlines():
        if not line.strip():
            break
        key, _, value = line.partition(":")
        found.setdefault(key.lower(), value.strip())
    return found.get("name"), found.get("version")


def _editable_source(folder: str) -> str | None:
    """Return the project's folder of a distribution that was installed in place."""
    text = _read(folder, "direct_url.json")
    if text:
        try:
            content = json.loads(text)
            if content["dir_info"].get("editable") and content["url"].startswith("file:"):
                return os.path.realpath(unquote(urlsplit(content["url"]).path))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
    if folder.endswith(".egg-info") and installed_root(os.path.dirname(folder)) is None:
        root = os.path.realpath(os.path.dirname(folder))
        return os.path.dirname(root) if os.path.basename(root) == "src" else root
    return None


def _top_levels(folder: str) -> set[str]:
    text = _read(folder, "top_level.txt")
    if text.strip():
        return {line.strip() for line in text.splitlines() if line.strip()}
    found: set[str] = set()
    for file in _record(folder):
        first, _, rest = file.partition("/")
        if rest:
            found.add(first)
        elif first.endswith((".py", ".so", ".pyd")):
            found.add(first.partition(".")[0])
    return {name for name in found if name.isidentifier()}


def _record(folder: str) -> Iterator[str]:
    for line in _read(folder, "RECORD").splitlines():
        file = line[1:].partition('"')[0] if line.startswith('"') else line.partition(",")[0]
        if file and not file.startswith(("..", "/")):
            yield file


def _read(folder: str, name: str) -> str:
    try:
        return Path(folder, name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
