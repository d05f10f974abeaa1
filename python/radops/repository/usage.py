"""When local objects were last used, so that those nobody needs can go first.

The file system's access times do not serve: many mounts do not keep them, and a verification
or a backup reads everything. So uses are noted in the catalogue; one that was lost only makes
an object look as old as its arrival on this machine.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from radops.model.digest import Digest
    from radops.repository.catalog import Catalog

# A program that opens one file and computes for days is noted at once; one that opens thousands
# of files pays for a write to the catalogue now and then, not for each of them.
_EVERY_SECONDS = 1.0
_MOST_HELD = 1024


class Usage:
    """Notes uses of objects, in batches.

    Args:
        catalog: Where they are kept.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._noted: dict[Digest, float] = {}
        self._written = float("-inf")

    def note(self, digest: Digest) -> None:
        """Note that an object is used now."""
        self._noted[digest] = time.time()
        if time.monotonic() - self._written > _EVERY_SECONDS or len(self._noted) >= _MOST_HELD:
            self.flush()

    def last(self, digest: Digest) -> float:
        """Return when an object was last used, in seconds since the epoch; 0 if never noted."""
        return max(self._noted.get(digest, 0.0), self._catalog.last_used(digest))

    def flush(self) -> None:
        """Write down what was noted since the last time."""
        noted, self._noted = self._noted, {}
        self._written = time.monotonic()
        if noted:
            self._catalog.note_uses(noted.items())
