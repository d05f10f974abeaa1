"""Times in the answers of an S3 server.

botocore hands each to a parser that knows every way to write a date, which takes a tenth of a
millisecond: as long as all else of a line of a listing, and a tenth of a small read.
"""

from __future__ import annotations

import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.utils import parse_timestamp


def parse_time(value: Any) -> datetime.datetime:  # noqa: ANN401 - what botocore finds in an answer
    """Return the time that an answer says.

    Args:
        value: As in a header ("Sun, 22 Nov 2026 15:21:23 GMT") or in a listing
            ("2026-11-22T15:21:23.456Z"); what is neither is left to botocore.
    """
    try:
        if value[10] == "T" and value[-1] == "Z":
            return datetime.datetime.fromisoformat(f"{value[:-1]}+00:00")
        if value.endswith(" GMT"):
            return parsedate_to_datetime(value)
    except (AttributeError, IndexError, TypeError, ValueError):
        pass
    return parse_timestamp(value)
