"""Which lake a context of this home belongs to, and which remotes were found to hold it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from radops.errors import InvalidConfigError

if TYPE_CHECKING:
    from radops.backends.folder.backend import FolderBackend


@dataclass(frozen=True, slots=True)
class Binding:
    """What a home remembers of a context, beside what people configure."""

    lake_id: str
    """32 hexadecimal digits."""
    remotes: tuple[str, ...] = ()
    """Where this lake was found; there its marker is not read again before every command."""
    probed: tuple[str, ...] = ()
    """Remotes that were found to honour create-if-absent."""
    saved: bool = field(default=True, compare=False)
    """Whether the home has saved it; a command that only reads leaves nothing behind."""

    def found_at(self, remote: str) -> Binding:
        """Return the binding with one more place where the lake is."""
        return replace(self, remotes=tuple(sorted({*self.remotes, remote})), saved=False)

    def probed_at(self, remote: str) -> Binding:
        """Return the binding with one more remote that can be written to safely."""
        both = replace(self, probed=tuple(sorted({*self.probed, remote})))
        return both.found_at(remote)


def new_binding() -> Binding:
    """Return the binding of a lake that does not exist yet."""
    return Binding(os.urandom(16).hex(), saved=False)


def read_binding(storage: FolderBackend, context: str) -> Binding | None:
    """Return what the home saved of a context, None if it was never used."""
    path = storage.path(binding_key(context))
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        tree = json.loads(text)
        lake_id = bytes.fromhex(tree["lake_id"]).hex()
        return Binding(lake_id, tuple(tree["remotes"]), tuple(tree["probed"]))
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidConfigError(
            f"{path} is damaged, so the lake of context {context!r} is not known",
            hint="its lake_id must be the name of a folder in storage/lakes/: write that into it",
        ) from error


def create_binding(storage: FolderBackend, context: str, binding: Binding) -> Binding:
    """Save the first binding of a context; return the one that is saved, ours or another's.

    Two shells may use a fresh home at once: one lake wins, and both use it.
    """
    storage.create([(binding_key(context), _encode(binding))])
    storage.flush()
    saved = read_binding(storage, context)
    return saved or binding


def replace_binding(storage: FolderBackend, context: str, binding: Binding) -> Binding:
    """Save a binding over an earlier one, durably; return it as saved."""
    storage.put([(binding_key(context), _encode(binding))])
    storage.flush()
    return replace(binding, saved=True)


def _encode(binding: Binding) -> bytes:
    tree = {
        "lake_id": binding.lake_id,
        "remotes": list(binding.remotes),
        "probed": list(binding.probed),
    }
    return json.dumps(tree, indent=2).encode() + b"\n"


def binding_key(context: str) -> str:
    """Return where a home keeps the binding of a context."""
    return f"contexts/{quote(context, safe='')}.json"
