"""The closing line of a test run: what was skipped, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _pytest.reports import CollectReport, TestReport


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Write the closing line, after all that pytest writes itself."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not hasattr(config, "workerinput"):
        reporter.write_line(closing_line(reporter.stats.get("skipped", [])))


def closing_line(skipped: Iterable[TestReport | CollectReport]) -> str:
    """Return one line that counts skipped tests by reason, the most frequent first.

    Args:
        skipped: The reports of tests that were skipped; a report of a whole module counts as one.

    """
    reasons = Counter(_reason(report) for report in skipped)
    if not reasons:
        return "skipped: nothing"
    parts = [f"{count:,} ({reason})" for reason, count in reasons.most_common()]
    return f"skipped: {reasons.total():,} of the tests: {'; '.join(parts)}"


def _reason(report: TestReport | CollectReport) -> str:
    if isinstance(report.longrepr, tuple):
        return " ".join(report.longrepr[2].removeprefix("Skipped: ").split())
    return "expected to fail" if hasattr(report, "wasxfail") else "no reason given"
