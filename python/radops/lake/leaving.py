"""How objects leave this machine: by way of the trash, from which they may yet come back.

Before the first object is moved, the caller finds out which objects are needed here. Until the
last one is removed, another process can make something offline that needs objects which were there
already, such as a version of a directory with the packs of its base. So:

1. Objects are moved to the trash. A writer that has the bytes itself does not rely on a file in
   `objects/`, but replaces it; if the file that was moved is newer than the caller saw it, such a
   writer was active, and the file is moved back.
2. When all of them are in the trash, `finish` finds out again which objects are needed here, and
   moves those back. A writer that this does not see has not written its slot yet; after it has, it
   checks that all its objects are there, and takes back those that are in the trash.
3. What is still in the trash is removed.

After a crash in between, the collector brings them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.lake.holdings import kept_only_here
from radops.repository.layout import object_key, outline_key
from radops.repository.objects.trash import new_run, trash_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.lake.holdings import Held
    from radops.lake.session import Session

# Objects that are looked at and removed at once.
_BATCH = 1024


class Leaving:
    """Objects that leave this machine; used by one thread.

    Args:
        session: The lake. Its remote has the objects.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.store = session.lake.store
        """The objects of the home."""
        self._aside: list[tuple[Held, str]] = []

    def move(self, objects: Sequence[Held]) -> list[bool]:
        """Move objects to the trash, with one barrier, and remove their views.

        Args:
            objects: What goes, in this order.

        Returns:
            For each whether it is in the trash.
        """
        backend = self.store.backend
        for held in objects:
            for key in held.views:
                self.store.remove_view(key)
        run = new_run(backend.now())
        away = [trash_key(run, held.digest) for held in objects]
        pairs = [(object_key(o.digest), key) for o, key in zip(objects, away, strict=True)]
        results: list[bool] = []
        for held, key, moved in zip(objects, away, backend.move_all(pairs), strict=True):
            found = backend.stat(key) if moved else None
            if found is not None and found.modified != held.entry.modified:
                self.store.take_back(held.digest)
                found = None
            # None also if another process took it away, or a reader wanted it just then.
            results.append(found is not None)
            if found is not None:
                self._aside.append((held, key))
        return results

    def finish(self) -> list[Held]:
        """Remove what was moved to the trash, but for what is needed here by now.

        Returns:
            Objects that stay on this machine.

        Raises:
            CorruptRecordError: A record does not decode, so what it needs is not known. Nothing
                was removed; the collector moves it back.
        """
        if not self._aside:
            return []
        needed = kept_only_here(self._session)
        stay: list[Held] = []
        while some := self._aside[:_BATCH]:
            going = [(held, key) for held, key in some if held.digest not in needed]
            for held, _ in some:
                if held.digest in needed:
                    self.store.take_back(held.digest)
                    stay.append(held)
            stay += self._remove(going)
            del self._aside[:_BATCH]
        return stay

    def _remove(self, some: Sequence[tuple[Held, str]]) -> list[Held]:
        """Remove objects from the trash; return those that others have taken back."""
        backend = self.store.backend
        there = backend.stats([key for _, key in some])
        gone = [one for one, entry in zip(some, there, strict=True) if entry is not None]
        again = backend.stats([object_key(held.digest) for held, _ in gone])
        outlines = [
            outline_key(held.digest)
            for (held, _), entry in zip(gone, again, strict=True)
            if entry is None  # else a writer has put it there anew
        ]
        backend.delete([*(key for _, key in gone), *outlines])
        self.store.forget([held.digest for held, _ in gone])
        return [held for (held, _), entry in zip(some, there, strict=True) if entry is None]
