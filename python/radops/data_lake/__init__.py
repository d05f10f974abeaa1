"""The public API: files by name, pipelines that compute once, lineage, verification.

::

    from radops.data_lake import File, file_creator, DataLake
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from radops.data_lake import messages

if TYPE_CHECKING:
    from radops.data_lake.checking import CheckStep, check_remote
    from radops.data_lake.creator import Creator, file_creator
    from radops.data_lake.file import File
    from radops.data_lake.lake import DataLake
    from radops.data_lake.verify import Finding, VerifyReport

__all__ = [
    "CheckStep",
    "Creator",
    "DataLake",
    "File",
    "Finding",
    "VerifyReport",
    "check_remote",
    "file_creator",
]

# Loaded when first used: a command that lists files needs nothing of what captures code.
_HOMES = {
    "CheckStep": "checking",
    "Creator": "creator",
    "DataLake": "lake",
    "File": "file",
    "Finding": "verify",
    "VerifyReport": "verify",
    "check_remote": "checking",
    "file_creator": "creator",
}

messages.install()


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
