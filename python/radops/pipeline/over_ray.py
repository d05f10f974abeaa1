"""Calls on Ray: what makes it an executor as those of `concurrent.futures` are."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from radops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future


def is_ray(executor: object) -> bool:
    """Return whether something is the module `ray`, or what `ray.init()` returned."""
    if executor is None or hasattr(executor, "submit"):
        return False
    of_ray = type(executor).__module__.partition(".")[0] == "ray"
    return of_ray or executor is sys.modules.get("ray")


class RayExecutor:
    """Makes each call a task of the Ray cluster that this process is connected to.

    Raises:
        UsageError: It is connected to none.
    """

    def __init__(self) -> None:
        import ray  # noqa: PLC0415 - optional

        if not ray.is_initialized():
            raise UsageError("Ray is not running here", hint="call ray.init() first")
        self._ray: Any = ray

    def submit(self, work: Callable[..., Any], /, *args: Any, **options: Any) -> _RayFuture:  # noqa: ANN401
        """Begin a call."""
        return _RayFuture(self._ray, self._ray.remote(work).remote(*args, **options))


class _RayFuture:
    """A task that runs or has run."""

    def __init__(self, ray: Any, task: Any) -> None:  # noqa: ANN401 - of a library without types here
        self._ray, self._task = ray, task
        self._future: Future[Any] = task.future()

    def result(self) -> Any:  # noqa: ANN401 - what the call returned
        """Return what the call returned, or raise what it raised, not Ray's wrapper around it."""
        try:
            return self._future.result()
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, Exception):
                raise error.cause from None
            raise

    def add_done_callback(self, tell: Callable[[object], object]) -> None:
        """Have `tell` called when the task has ended."""
        self._future.add_done_callback(tell)

    def cancel(self) -> None:
        """Stop the task if it has not begun."""
        self._ray.cancel(self._task)
