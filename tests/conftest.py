"""What all tests share: real S3 servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Helpers whose assertions pytest explains, as it does those of test modules.
pytest.register_assert_rewrite("backends.contract")

from protocols.summary import write_summary  # noqa: E402
from servers.fixtures import (  # noqa: E402, F401
    CEPH_IS_MISSING,
    REQUIRE_CEPH,
    ceph,
    faulty_seaweedfs,
    s3_environment,
    seaweedfs,
)

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


class _Scheduling(LoadScopeScheduling):
    """What `-n` means here: tests go to any worker, those against Ceph to one.

    They have "Ceph" in their names. The mark `xdist_group` says the same, but no xdist up to 3.8
    sees it under pytest 9.2, which makes the identity of a test anew where xdist has changed it.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "Ceph" if "Ceph" in nodeid else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling | None:
    return _Scheduling(config, log) if config.option.dist == "load" else None


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Say how much was explored, and aloud what was not tested."""
    write_summary(terminalreporter)
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if CEPH_IS_MISSING in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.write_sep("=", "NOT TESTED", red=True, bold=True)
        terminalreporter.write_line(
            f"{len(skipped)} tests against Ceph did not run: it is not installed. On Debian: "
            "apt-get install --no-install-recommends radosgw ceph-mon ceph-osd. "
            f"With {REQUIRE_CEPH}=1 this is a failure."
        )
