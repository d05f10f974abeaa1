"""The public API: files by name, pipelines that compute once, lineage, verification.

::

    from radops.data_lake import File, file_creator, DataLake
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from radops.lake import messages

if TYPE_CHECKING:
    from radops.format.encoded_name import decode_name, encode_name
    from radops.lake.current import Scope
    from radops.lake.directory.directory import Directory
    from radops.lake.directory.index import FileIndex
    from radops.lake.directory.stretch import Stretch
    from radops.lake.file import File
    from radops.lake.lake import DataLake
    from radops.lake.lineage import Lineage
    from radops.lake.remote_check import CheckStep, check_remote
    from radops.lake.reports import CallInfo, FileInfo, LastVerify, Listing
    from radops.lake.verify import Finding, VerifyReport
    from radops.pipeline.creator import Creator, file_creator

__all__ = [
    "CallInfo",
    "CheckStep",
    "Creator",
    "DataLake",
    "Directory",
    "File",
    "FileIndex",
    "FileInfo",
    "Finding",
    "LastVerify",
    "Lineage",
    "Listing",
    "Scope",
    "Stretch",
    "VerifyReport",
    "check_remote",
    "decode_name",
    "encode_name",
    "file_creator",
]

# Loaded when first used: a command that lists files needs nothing of what captures code.
_HOMES = {
    "CallInfo": "radops.lake.reports",
    "CheckStep": "radops.lake.remote_check",
    "Creator": "radops.pipeline.creator",
    "DataLake": "radops.lake.lake",
    "Directory": "radops.lake.directory.directory",
    "File": "radops.lake.file",
    "FileIndex": "radops.lake.directory.index",
    "FileInfo": "radops.lake.reports",
    "Finding": "radops.lake.verify",
    "LastVerify": "radops.lake.reports",
    "Lineage": "radops.lake.lineage",
    "Listing": "radops.lake.reports",
    "Scope": "radops.lake.current",
    "Stretch": "radops.lake.directory.stretch",
    "VerifyReport": "radops.lake.verify",
    "check_remote": "radops.lake.remote_check",
    "decode_name": "radops.format.encoded_name",
    "encode_name": "radops.format.encoded_name",
    "file_creator": "radops.pipeline.creator",
}

messages.install()


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
