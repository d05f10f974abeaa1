"""Which files a creator may make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import CreatorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.format.uid import UID


def check_allowed(function: str, uid: UID, allowed: Sequence[UID] | None, key: str) -> None:
    """Refuse a file that a creator was not given to make.

    Raises:
        CreatorError: Says which ones it was given.
    """
    mine = uid in allowed if allowed is not None else uid.startswith(implicit_prefix(key))
    if not mine:
        given = ", ".join(allowed) if allowed else "none"
        raise CreatorError(
            f"{function} writes {uid}, which it was not given as output_uid"
            f" (it was given: {given})",
            uid=uid,
            hint='pass it as "output_uid" or "output_uids", or use File() without a UID',
        )


def implicit_prefix(key: str) -> str:
    """Return what the UIDs of outputs begin with that a call of this key was not given."""
    return f".generated_uids/{key}_"


def ended(function: str, uid: UID) -> CreatorError:
    """Return the error for an output that is written after its creator has ended."""
    return CreatorError(
        f"{uid} is an output of {function}, which has ended",
        uid=uid,
        hint="write it before the function returns: wait for its threads and processes",
    )
