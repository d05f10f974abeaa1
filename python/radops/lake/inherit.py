"""Threads, pools and processes take over what the work that started them belongs to.

Python starts a thread with an empty context, so a context variable alone is lost there. Once
`install` was called, this is carried over:

- `threading.Thread.start`: the thread has the mark of the code that started it.
- `multiprocessing.Process.start`: so has the process; the mark is pickled.
- `ThreadPoolExecutor.submit`, `ProcessPoolExecutor.submit`, and the methods of
  `multiprocessing.Pool` and `ThreadPool`: each job has the mark of the code that submitted it,
  whichever code had started the worker.

A mark is whatever `capture` returns; None where nothing is known. The standard library's methods
are wrapped once, when the first creator runs or the first `use()` begins, never by an import.
This module needs the standard library only, so that a worker imports little for it.
"""

from __future__ import annotations

import functools
import importlib
import logging
import pickle
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

ATTRIBUTE: Final = "_radops_mark"
"""The attribute of a thread or process that holds its mark."""

UNSET: Final = "unset"
UNKNOWN: Final = "unknown"

mark: ContextVar[object] = ContextVar("radops_mark", default=UNSET)
"""The mark of the code that runs; pickled bytes in a job of another process; `UNKNOWN` in a job
that was submitted by code of which nothing was known."""

LOST: Final = "lost"
"""The mark of what was started by code whose own mark could not be passed on, such as where the
home cannot be written to. Starting it must not fail for that: it is the program's own thread,
process or job, which need not use radops at all. If it does, that is refused."""

_LOG = logging.getLogger("radops")

_JOBS = (
    ("concurrent.futures.thread", "ThreadPoolExecutor", ("submit",)),
    ("concurrent.futures.process", "ProcessPoolExecutor", ("submit",)),
    ("multiprocessing.pool", "Pool", ("apply_async", "_map_async", "imap", "imap_unordered")),
)

_lock = threading.Lock()
_installed = False


class Job:
    """A function that runs under the mark of the code that submitted it."""

    def __init__(self, its_mark: object, function: Callable[..., Any]) -> None:
        self._mark = its_mark
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the function's
        """Call the function under its mark."""
        before = mark.get()
        mark.set(self._mark)
        try:
            return self._function(*args, **kwargs)
        finally:
            mark.set(before)

    def __reduce__(self) -> tuple[Any, ...]:
        # As bytes: the worker then imports what a mark needs only if it asks for the mark.
        return Job, (_packed(self._mark), self._function)


def install(capture: Callable[[], object]) -> None:
    """Wrap the methods that start threads, processes and jobs; done once per process.

    Args:
        capture: Returns the mark of the code that runs; None if it is not known.
    """
    global _installed  # noqa: PLW0603 - one for each process
    with _lock:
        if _installed:
            return
        _installed = True
        for module, name, methods in _JOBS:
            try:
                pool = getattr(importlib.import_module(module), name)
            except ImportError:  # a system without semaphores has no process pools
                continue
            for method in methods:
                _wrap_job(pool, method, capture)
        from multiprocessing.process import BaseProcess  # noqa: PLC0415 - not at start-up

        _wrap_start(threading.Thread, capture, lambda found: found)
        _wrap_start(BaseProcess, capture, _packed)


def _wrap_job(pool: type, method: str, capture: Callable[[], object]) -> None:
    original = getattr(pool, method)

    @functools.wraps(original)
    def submit(self: object, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the method's
        found = _captured(capture)
        its_mark = UNKNOWN if found is None else found
        if args:
            args = (Job(its_mark, args[0]), *args[1:])
        elif "func" in kwargs:
            kwargs["func"] = Job(its_mark, kwargs["func"])
        return original(self, *args, **kwargs)

    setattr(pool, method, submit)


def _wrap_start(
    worker: type, capture: Callable[[], object], pack: Callable[[object], object]
) -> None:
    original = worker.start  # type: ignore[attr-defined]

    @functools.wraps(original)
    def start(self: Any) -> Any:  # noqa: ANN401 - threads and processes
        # Not by `hasattr` and `setattr`, which subclasses can define in their own way. A subclass
        # that did not call `__init__` has no attributes; `start` itself says so.
        attributes = getattr(self, "__dict__", {})
        if ATTRIBUTE not in attributes:
            found = _captured(capture)
            if found is not None:
                attributes[ATTRIBUTE] = pack(found)
        return original(self)

    worker.start = start  # type: ignore[attr-defined]


def _captured(capture: Callable[[], object]) -> object:
    """Return the mark of the code that runs; `LOST` where that raises an error."""
    try:
        return capture()
    except Exception:  # noqa: BLE001 - whatever it is, it is not the caller's
        _LOG.debug("it is not known what the started work belongs to", exc_info=True)
        return LOST


def _packed(its_mark: object) -> object:
    """Return a mark as bytes or text; `LOST` where it cannot be pickled."""
    if isinstance(its_mark, (bytes, str)):
        return its_mark
    try:
        return pickle.dumps(its_mark)
    except Exception:  # noqa: BLE001 - whatever it is, it is not the caller's
        _LOG.debug("what a process belongs to cannot be passed on", exc_info=True)
        return LOST


def of_thread() -> object:
    """Return the mark of the current thread; None if it has none."""
    return getattr(threading.current_thread(), ATTRIBUTE, None)
