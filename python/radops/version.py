"""Which version of radops this is."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1)
def radops_version() -> str:
    """Return the installed version, as records carry it and `radops --version` shows it."""
    from importlib.metadata import version  # noqa: PLC0415 - takes as long as a small command

    return version("radops")


def version_text() -> str:
    """Return what `radops --version` prints."""
    return f"radops {radops_version()}"
