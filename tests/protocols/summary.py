"""How many interleavings were explored, at the end of a test run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


def write_summary(reporter: TerminalReporter) -> None:
    """Add up what the explorations of this run noted; also those of other processes."""
    counts = [
        value
        for reports in reporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == "explored"
    ]
    if counts:
        ways, runs, states, points = map(sum, zip(*counts, strict=True))
        reporter.write_sep("=", "protocols explored")
        reporter.write_line(
            f"{len(counts)} scenarios: {ways:,} interleavings covered by {runs:,} runs through"
            f" {states:,} states; every one of {points:,} crash points checked and recovered from"
        )
