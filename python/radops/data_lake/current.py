"""The current lake: the one that `File("name")` means."""

from __future__ import annotations

import contextlib
import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from radops.data_lake.lake import DataLake

T = TypeVar("T")

_chosen: ContextVar[DataLake | None] = ContextVar("radops_lake", default=None)
_defaults: dict[tuple[str | None, ...], DataLake] = {}

# The variables that say which lake is the default one: when one changes, so does the lake.
_VARIABLES = (
    "HOME",
    "RADOPS_HOME",
    "RADOPS_CONTEXT",
    "RADOPS_REMOTE",
    "RADOPS_S3_ENDPOINT_URL",
    "RADOPS_EMAIL",
    "RADOPS_OFFLINE",
    "RADOPS_ON_CODE_CHANGE",
    "RADOPS_LEASE_SECONDS",
)


def current_lake(make: Callable[[], DataLake]) -> DataLake:
    """Return the lake chosen with `DataLake.use`, else the configured one, made once.

    Args:
        make: Makes the configured one.
    """
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    key = variables()
    lake = _defaults.get(key)
    if lake is None:
        lake = _defaults.setdefault(key, make())
    return lake


def variables() -> tuple[str | None, ...]:
    """Return what the environment says of the default lake."""
    return tuple(os.environ.get(name) for name in _VARIABLES)


@contextlib.contextmanager
def using(lake: DataLake) -> Iterator[None]:
    """Make a lake the current one inside a `with` block, in this thread or task."""
    token = _chosen.set(lake)
    try:
        yield
    finally:
        _chosen.reset(token)
