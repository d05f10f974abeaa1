"""A real Ray cluster of processes on this machine."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def running_ray() -> Iterator[Any]:
    """Run a cluster of two processes, and yield what `ray.init` returned.

    They have the variables of this process, as they are when the cluster is started.
    """
    import ray  # noqa: PLC0415 - optional, and slow to import

    with (
        pytest.MonkeyPatch.context() as patch,
        # Not `tmp_path`: the names of sockets below it would be too long.
        tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder,
    ):
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        # Its token is a file in HOME, and tests have a HOME of their own each.
        patch.setenv("RAY_AUTH_MODE", "disabled")
        try:
            yield _started(ray, folder)
        finally:
            ray.shutdown()


def _started(ray: Any, folder: str) -> Any:
    for left in (2, 1, 0):
        try:
            return ray.init(
                num_cpus=2,
                include_dashboard=False,
                log_to_driver=False,
                configure_logging=False,
                object_store_memory=100_000_000,
                _node_ip_address="127.0.0.1",
                _temp_dir=folder,
            )
        except RuntimeError:  # Ray waits half a minute for its processes: a busy disk takes longer
            if not left:
                raise
            ray.shutdown()
    raise AssertionError
