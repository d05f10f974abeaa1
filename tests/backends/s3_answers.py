"""What tests of an S3 server's answers share: errors as it words them, and limits of time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def error(code: str) -> str:
    """Return the body of an answer that reports an error."""
    return f"<Error><Code>{code}</Code><Message>said</Message></Error>"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail unless the block ends in time; what it waits for would otherwise never end."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds
