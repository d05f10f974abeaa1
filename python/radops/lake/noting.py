"""Descriptions and tags of files, and searching files by these and by their records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.lake import notes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.format.note import Description
    from radops.lake.reports import Progress, SearchHit
    from radops.lake.session import Session


class Noting:
    """The part of `DataLake` that describes and searches."""

    _session: Session

    def describe(
        self,
        uid: str,
        text: str | None = None,
        *,
        tags: Iterable[str] = (),
        untag: Iterable[str] = (),
        clear: bool = False,
    ) -> Description:
        """Change the description and tags of a file or directory, for everyone.

        They can be changed at any time, and are not part of the file. Tags that several people add
        at once all stay; of several texts the last one counts. Offline, the change is kept on this
        machine and `sync` sends it.

        Args:
            uid: Its name.
            text: The new description; None leaves it as it is, an empty text removes it.
            tags: Tags to add: 1 to 64 characters each, without spaces and commas.
            untag: Tags to remove.
            clear: Remove the description and all tags; `text` and `tags` are set after that.

        Returns:
            The description and tags that it has now.

        Raises:
            UIDNotFoundError: There is no such file.
            UsageError: There is nothing to change, a tag cannot be one, or `uid` is a file in a
                directory.
            RemoteUnavailableError: The remote cannot be reached; nothing was changed.

        Example:
            >>> lake.describe("datasets/train.csv", "Cleaned by hand in May.", tags=["gold"])
            Description(text='Cleaned by hand in May.', tags=('gold',))
        """
        session = self._session
        return notes.describe(session, uid, text, add=tags, remove=untag, clear=clear)

    def search(
        self,
        text: str = "",
        *,
        tag: str | None = None,
        limit: int = 50,
        refresh: bool = False,
        progress: Progress | None = None,
    ) -> list[SearchHit]:
        """Return files and directories by words in what is known of them.

        Each word must be the beginning of a word in the name, the description, a tag, the
        originator, or the function and parameters that made the file. Upper and lower case and
        accents do not count. The best matches come first: words in names count most.

        This searches what this machine has seen, in an index that is brought up to date first;
        no request is made. An index that is missing or damaged is made again.

        Args:
            text: The words; may be empty if there is a tag.
            tag: Only what has this tag.
            limit: The most that are returned.
            refresh: First ask the remote for all names, descriptions and tags.
            progress: Shows how far the index is, where much has changed.

        Raises:
            UsageError: There is neither a word nor a tag, or the limit is less than 1.
            RemoteUnavailableError: The remote cannot be reached, with `refresh`.

        Example:
            >>> [hit.uid for hit in lake.search("train clean", tag="gold")]
            ['datasets/train.csv']
        """
        from radops.lake.search.search import search  # noqa: PLC0415 - few programs need it

        return search(
            self._session, text, tag=tag, limit=limit, ask_remote=refresh, progress=progress
        )

    def known_names(self) -> int:
        """Return how many names the last search looked through."""
        return self._session.search_index.count()
