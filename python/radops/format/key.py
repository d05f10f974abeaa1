"""The key of a call, by which its result is found again on every machine, at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import UsageError
from radops.format import cbor
from radops.format.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from radops.format.params import Canonical

KEY_LIMIT = 2 * 1024 * 1024
"""Bytes of a key's preimage. The call has to be recorded when it is done, with its code, outputs
and environment, in 8 MiB: better refused before the work than after."""


def call_key(
    *,
    module: str,
    name: str,
    version: str | None,
    fingerprint: Digest | None,
    params: Mapping[str, Canonical],
    inputs: Iterable[tuple[str, str, Digest]],
) -> Digest:
    """Return the key of a call.

    Args:
        module: The module that the function counts as defined in.
        name: Its qualified name.
        version: As given to the decorator.
        fingerprint: Of its code; None unless the code is to count.
        params: Argument name to canonical value, output UIDs and ignored arguments left out.
        inputs: Argument path, UID and digest of each lake file or directory among the arguments, in
            any order. Of a file in a directory the path there instead of the UID, and its own
            digest: the key does not depend on which version of the directory holds the file.

    Raises:
        UsageError: The arguments are too large to be recorded.
        ValueError: Two inputs have the same argument path.
    """
    listed = [[arg, uid, digest.raw] for arg, uid, digest in sorted(inputs)]
    if len({item[0] for item in listed}) != len(listed):
        raise ValueError("two inputs with the same argument path")
    preimage = cbor.encode(
        [
            "radops/call",
            1,
            module,
            name,
            version,
            fingerprint.raw if fingerprint is not None else None,
            dict(params),
            listed,
        ]
    )
    if len(preimage) > KEY_LIMIT:
        raise UsageError(
            f"the arguments of {name} take {len(preimage):,} bytes, {KEY_LIMIT:,} can be recorded",
            hint="Write the largest into a file of the lake and pass that.",
        )
    return Digest.of(preimage)
