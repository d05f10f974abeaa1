"""Names that cannot be those of buckets are refused with the rule that they break."""

from __future__ import annotations

import pytest

from radops.backends.location import parse_location
from radops.errors import InvalidConfigError


@pytest.mark.parametrize("name", ["b", "-lake", "a" * 256, "two words"])
def test_a_name_that_no_bucket_can_have_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(InvalidConfigError, match="cannot be the name of a bucket") as caught:
        parse_location(f"s3://{name}/lake")
    assert caught.value.hint is not None
    assert "3 to 255 letters" in caught.value.hint


def test_a_missing_bucket_is_refused_with_the_form() -> None:
    with pytest.raises(InvalidConfigError, match="no bucket is named") as caught:
        parse_location("s3:///lake")
    assert caught.value.hint == "use s3://bucket/prefix or file:///shared/folder"
