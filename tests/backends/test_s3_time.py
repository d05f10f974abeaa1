"""Times in answers: read as botocore reads them, but quickly."""

from __future__ import annotations

import datetime

import pytest
from botocore.utils import parse_timestamp

from radops.backends.s3_time import parse_time


@pytest.mark.parametrize(
    "value",
    [
        "Sun, 22 Nov 2026 15:21:23 GMT",
        "2026-11-22T15:21:23Z",
        "2026-11-22T15:21:23.456Z",
        "2026-11-22T15:21:23.456789Z",
        "2026-11-22T15:21:23.4567891Z",
        "2026-11-22T15:21:23+01:00",
        "20261122T152123Z",
        "Sunday, 22-Nov-26 15:21:23 GMT",
        "1795360883",
        1795360883,
        1795360883.5,
    ],
)
def test_a_time_is_what_botocore_says_it_is(value: str | float) -> None:
    found = parse_time(value)
    assert found == parse_timestamp(value)
    assert found.utcoffset() is not None
    if isinstance(value, str) and value.endswith(("Z", "GMT")):
        assert found.utcoffset() == datetime.timedelta(0)


@pytest.mark.parametrize("value", ["", "yesterday", "2026-99-22T15:21:23Z", None])
def test_no_time_is_an_error_of_the_kind_that_botocore_raises(value: str | None) -> None:
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whichever it is
        parse_timestamp(value)
    with pytest.raises(type(expected.value)):
        parse_time(value)
