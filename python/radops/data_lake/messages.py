"""What creators say while they run. Shown also where nobody configured logging."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from radops.data_lake.fitting import fitted
from radops.model.uid import UID, is_reserved

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOG = logging.getLogger("radops")
_MOST_NAMED = 3

_told: set[str] = set()


class _WhereNobodyListens(logging.Handler):
    """Writes to stderr as long as neither the program nor anyone else configured logging.

    A skipped call must be seen in a plain script too, where Python drops what is below a warning.
    """

    def emit(self, record: logging.LogRecord) -> None:
        others = [handler for handler in _LOG.handlers if handler is not self]
        if not others and not logging.getLogger().handlers and sys.stderr is not None:
            line, *_ = fitted([f"radops: {record.getMessage()}"], sys.stderr)
            sys.stderr.write(f"{line}\n")


def install() -> None:
    """Have messages shown where nobody configured logging."""
    if not any(isinstance(handler, _WhereNobodyListens) for handler in _LOG.handlers):
        _LOG.addHandler(_WhereNobodyListens())
    if _LOG.level == logging.NOTSET:
        _LOG.setLevel(logging.INFO)


def skipped(function: str, uids: Sequence[str]) -> None:
    """Say that a call was skipped, as its outputs are in the lake."""
    verb = "is" if len(uids) == 1 else "are"
    _LOG.info("skipping %s: %s %s already in the lake", function, _named(uids), verb)


def read_without_asking(function: str, uids: Sequence[str]) -> None:
    """Say, once per function, that it opened lake files that it was not given."""
    if function not in _told:
        _told.add(function)
        _LOG.warning(
            "%s opened %s, which it was not given as an argument: recorded, but changes of it"
            " are not noticed",
            function,
            _named(uids),
        )


def not_followed(function: str, what: Sequence[str]) -> None:
    """Say, once per function, that its key does not cover all of its code."""
    if f"{function} code" not in _told:
        _told.add(f"{function} code")
        _LOG.warning("the key of %s does not cover all of its code: %s", function, "; ".join(what))


def _named(uids: Sequence[str]) -> str:
    # Names that radops gave the outputs of one call are long, and differ in a number only.
    most = 1 if is_reserved(UID(uids[0])) else _MOST_NAMED
    more = f" and {len(uids) - most} more" if len(uids) > most else ""
    return f"{', '.join(uids[:most])}{more}"
