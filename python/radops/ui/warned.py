"""Warnings of radops since the server was started: the page shows them, not only the terminal."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST: Final = 50
_LOG = logging.getLogger("radops")


class Warned(logging.Filter):
    """Keeps the last different warnings of radops, which still go to the terminal. Thread-safe.

    A filter, as radops writes to the terminal only where no handler was added.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._texts: dict[str, None] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a warning, and let everything pass."""
        if record.levelno >= logging.WARNING:
            text = record.getMessage()
            with self._lock:
                self._texts.pop(text, None)
                self._texts[text] = None
                if len(self._texts) > _MOST:
                    del self._texts[next(iter(self._texts))]
        return True

    def texts(self) -> list[str]:
        """Return them, the newest first."""
        with self._lock:
            return list(reversed(self._texts))

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Keep warnings for as long as the block lasts."""
        _LOG.addFilter(self)
        try:
            yield
        finally:
            _LOG.removeFilter(self)
