"""Modules that the program may have imported, used without importing them."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def loaded(name: str) -> Any:  # noqa: ANN401 - a module whose library may not be installed
    """Return a module if the program has imported it, else None.

    `sys.modules` also holds a module that another thread is in the middle of importing, without
    half of its names: this waits until the import is complete.

    Args:
        name: Its full name.
    """
    if sys.modules.get(name) is None:
        return None
    try:
        return importlib.import_module(name)
    except ImportError:  # of the other thread: it was taken out again
        return None
