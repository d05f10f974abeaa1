"""Explorations tell how much they explored; the summary at the end adds it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lakes import clean_environment, make_lake, shared  # noqa: F401
from protocols.scenario import DEEP
from reliability.figures import report

if TYPE_CHECKING:
    from collections.abc import Callable

    from protocols.scenario import Count


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if DEEP and "protocols" in item.path.parts:
            item.add_marker(pytest.mark.timeout(3600))


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[Count], Count]:
    """Return what notes an exploration for the summary."""

    def note(count: Count) -> Count:
        print(count)
        record_property("explored", [count.interleavings, count.runs, count.states, count.contents])
        report(
            "protocols",
            scenarios=1,
            interleavings=count.interleavings,
            runs=count.runs,
            crash_points=count.contents,
        )
        return count

    return note
