"""Finding what was written and could not be stored."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from radops.errors import RadopsError


def kept_in(error: pytest.ExceptionInfo[RadopsError]) -> Path:
    """Return the place that the message names."""
    found = re.search("kept in (.*)", str(error.value))
    assert found is not None, str(error.value)
    return Path(found[1])
