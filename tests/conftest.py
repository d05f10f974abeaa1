"""What all tests share: real S3 servers, and a closing line that names what was skipped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# Test machines are busy: how long an example takes says nothing. The rest is as Hypothesis has it,
# which differs in CI.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

# Helpers whose assertions pytest explains, as it does those of test modules.
pytest.register_assert_rewrite(
    "backends.batches",
    "backends.contract",
    "backends.file_moves",
    "backends.listing",
    "backends.s3_answers",
    "backends.uploads",
    "servers.raw_http",
)

from closing import pytest_unconfigure  # noqa: E402, F401
from protocols.summary import write_summary  # noqa: E402
from servers.fixtures import (  # noqa: E402, F401
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
    sees it under pytest 9.2, which computes a test's identity again after xdist has changed it.
    """

    def _split_scope(self, nodeid: str) -> str:
        # The pages are tested with lakes and a browser that are started once.
        return next((one for one in ("Ceph", "tests/ui/") if one in nodeid), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run two more workers than cores: some tests mostly wait, for servers that stall."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling | None:
    return _Scheduling(config, log) if config.option.dist == "load" else None


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Report how much was explored."""
    write_summary(terminalreporter)
