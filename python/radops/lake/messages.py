"""Messages of creators. Shown also in programs that have not configured logging."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from radops.format.uid import UID, is_reserved
from radops.lake.shortening import fitted
from radops.printable import message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.errors import RadopsError

_LOG = logging.getLogger("radops")
_MOST_NAMED = 3

_told: set[str] = set()


class _Plain(logging.Handler):
    """Writes to stderr as long as neither the program nor anyone else configured logging."""

    def emit(self, record: logging.LogRecord) -> None:
        if not _is_configured() and sys.stderr is not None:
            label = "warning: " if record.levelno >= logging.WARNING else ""
            line, *_ = fitted([message(f"radops: {label}{record.getMessage()}")], sys.stderr)
            sys.stderr.write(f"{line}\n")


_plain = _Plain()


def _is_configured() -> bool:
    others = [handler for handler in _LOG.handlers if handler is not _plain]
    return bool(others or logging.getLogger().handlers)


def install() -> None:
    """Show warnings as radops' own in a program that has not configured logging.

    The logger's level is left alone, and once a program has configured logging nothing is shown
    but by its own handlers.
    """
    if _plain not in _LOG.handlers:
        _LOG.addHandler(_plain)


def tell(text: str, *values: object) -> None:
    """Log at level INFO; shown too in a script or notebook that has not configured logging.

    A skipped call must be seen in a plain script, where Python drops what is below a warning.
    `logging.getLogger("radops").setLevel("WARNING")` silences it.
    """
    if _LOG.level == logging.NOTSET and not _is_configured():
        _plain.handle(_LOG.makeRecord(_LOG.name, logging.INFO, "", 0, text, values, None))
    else:
        _LOG.info(text, *values, stacklevel=2)


def runs(function: str) -> None:
    """Report that a function runs, as its result is not in the lake."""
    tell("running %s", function)


def made(function: str, seconds: float, uids: Sequence[str]) -> None:
    """Report how long a function took, and what it made."""
    tell("%s took %s and made %s", function, _duration(seconds), _named(uids))


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def skipped(function: str, uids: Sequence[str], before: str | None = None) -> None:
    """Report that a call was skipped, as its outputs are in the lake.

    Args:
        function: The function.
        uids: The outputs.
        before: The name under which the same code has made them, if it is another.
    """
    verb = "is" if len(uids) == 1 else "are"
    earlier = f", made by the same code under its earlier name {before}" if before else ""
    tell("skipping %s: %s %s already in the lake%s", function, _named(uids), verb, earlier)


def read_without_asking(function: str, uids: Sequence[str]) -> None:
    """Warn, once per function, that it opened lake files that it was not given."""
    if function not in _told:
        _told.add(function)
        _LOG.warning(
            "%s opened %s, which it was not given as an argument: recorded, but changes of it"
            " are not noticed",
            function,
            _named(uids),
        )


def not_followed(function: str, what: Sequence[str]) -> None:
    """Warn, once per function, that its key does not cover all of its code."""
    if f"{function} code" not in _told:
        _told.add(f"{function} code")
        _LOG.warning(
            "the key of %s does not cover all of its code: %s. When that changes, give the"
            " function another version: @file_creator(version=...)",
            function,
            "; ".join(what),
        )


def not_published(file: str) -> None:
    """Warn that what was written is lost, as its stream was not closed by a `with` block."""
    _LOG.warning(
        "%s was not published: only the end of a with block does that: with %s.open(...) as f: ...",
        file,
        file,
    )


def kept(file: str, places: str) -> None:
    """Log where a file or directory is that was written, and could not be stored."""
    _LOG.warning("%s was not published; all that was written is kept in %s", file, places)


def not_kept(file: str, error: RadopsError) -> None:
    """Log that what was written could be neither stored nor kept, and where it still is."""
    _LOG.error("%s was not published; %s", file, error)


def left_to_parent(file: str) -> None:
    """Warn that a forked child reached the end of a block in which its parent writes a file."""
    _LOG.warning(
        "%s was opened before this process was forked, so only the other one can publish it", file
    )


def surroundings_changed(function: str, uid: str, what: Sequence[str]) -> None:
    """Warn that files or variables that a function reads by itself are others than they were."""
    verb = "has" if len(what) == 1 else "have"
    _LOG.warning(
        "%s read %s, which %s changed since it made %s; pass it as an argument, or give the"
        ' decorator a version="2", to compute it again',
        function,
        _named(what),
        verb,
        uid,
    )


def reloaded(function: str) -> None:
    """Warn that a creator is older than the code of its module."""
    _LOG.warning(
        "%s was edited and loaded again, but this object still runs the code from before:"
        " import it again",
        function,
    )


def _named(uids: Sequence[str]) -> str:
    # Names that radops gave the outputs of one call are long, and differ in a number only.
    most = 1 if is_reserved(UID(uids[0])) else _MOST_NAMED
    more = f" and {len(uids) - most} more" if len(uids) > most else ""
    return f"{', '.join(uids[:most])}{more}"
