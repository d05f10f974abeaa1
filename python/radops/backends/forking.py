"""Locks and clients belong to one process: after a fork the child gets new ones.

A lock that another thread holds at the moment of a fork stays locked in the child for good, and
two processes that share a connection read each other's answers.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that must be made anew in a forked child."""

    def after_fork(self) -> None:
        """Replace locks, clients and descriptors that the parent may be using."""
        ...


_living: WeakSet[Forkable] = WeakSet()


def _renew_all() -> None:
    for each in list(_living):
        each.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)


def renew_after_fork(instance: Forkable) -> None:
    """Have `instance.after_fork()` called in every child forked from now on."""
    _living.add(instance)
