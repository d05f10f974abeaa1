"""The error where an optional library is not installed."""

from __future__ import annotations

from radops.errors import MissingLibraryError


def missing(library: str, extra: str) -> MissingLibraryError:
    """Return the error for a library that cannot be imported.

    Args:
        library: As it is imported.
        extra: The extra of radops that installs it.
    """
    return MissingLibraryError(f"{library} is not installed", hint=f'pip install "radops[{extra}]"')
