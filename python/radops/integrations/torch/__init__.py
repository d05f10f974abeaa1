"""Training with PyTorch from a lake: streams of samples, and a loader that can be resumed.

::

    from radops.integrations.torch import Loader, StreamDirectory
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from radops.integrations.missing import missing

if TYPE_CHECKING:
    from radops.integrations.torch.loader import Loader
    from radops.integrations.torch.stream_directory import StreamDirectory
    from radops.integrations.torch.stream_parquet import StreamParquet

__all__ = ["Loader", "StreamDirectory", "StreamParquet"]

_HOMES = {
    "Loader": "loader",
    "StreamDirectory": "stream_directory",
    "StreamParquet": "stream_parquet",
}

_LIBRARIES = ("torch", "pyarrow")


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        if error.name not in _LIBRARIES:
            raise
        raise missing(error.name or "torch", "torch") from None
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
