"""Running tests of permissions as root, to whom they deny nothing, and as other users."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")

# From <linux/capability.h> and <linux/prctl.h>.
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITY_VERSION_3 = 0x20080522
_PR_CAPBSET_DROP = 24

ADA, BOB, STRANGER = 64001, 64002, 64003
GROUP, OTHERS = 64100, 64101


def stopped_by_permissions(test: Callable[P, None]) -> Callable[P, None]:
    """Run a test, and all processes that it starts, without root's right to bypass permissions.

    Other users have no such right. Capabilities belong to a thread: the test runs in one that ends
    with it.
    """

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        if os.geteuid() != 0:
            test(*args, **kwargs)
            return
        if sys.platform != "linux":
            pytest.skip("root is not stopped by permissions here")
        with ThreadPoolExecutor(1, initializer=_give_up) as thread:
            thread.submit(test, *args, **kwargs).result()

    return run


def _give_up() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable; then their upper halves
    _check(libc.capget(header, sets))
    for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        _check(libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0))  # or a new program has it again
        for part in range(3):
            sets[part] &= ~(1 << capability)
    _check(libc.capset(header, sets))


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def as_user(user: int, group: int, umask: int, work: Callable[[], object]) -> None:
    """Run in a child as that user; an error there fails the test here."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
            os.umask(umask)
            work()
            status = 0
        except BaseException:  # noqa: BLE001 - a child ends here
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
