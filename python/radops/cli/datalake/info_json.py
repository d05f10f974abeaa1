"""The output of `info --json`: the fields of `FileInfo`, digests as text."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from radops.format.digest import Digest

if TYPE_CHECKING:
    from radops.lake.directory.summary import Summary
    from radops.lake.reports import FileInfo


def document(info: FileInfo, summary: Summary | None = None) -> dict[str, Any]:
    """Return the document; keys never change their meaning, new ones may come."""
    plain: dict[str, Any] = _plain(info)
    if summary is not None:
        plain["contents"] = {**_plain(summary), "live_share": summary.live_share}
    return plain


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Digest):
        return value.hex
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
