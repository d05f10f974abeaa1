"""Adding to a lake: files, URLs, folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from radops.arguments import as_patterns, check_flags, check_name, check_path
from radops.errors import ArgumentTypeError, UsageError
from radops.format.uid import UID, parse_uid
from radops.lake import current
from radops.lake.directory.checkout_marker import MARKER, read_marker
from radops.lake.directory.versions import following
from radops.lake.reports import AddResult
from radops.lake.sources import local_source, name_of
from radops.repository.workers import limited

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from radops.format.digest import Digest
    from radops.lake.reports import Progress
    from radops.lake.session import Session


class Adding:
    """The part of `DataLake` that takes files and folders in."""

    _session: Session

    def add(  # noqa: PLR0913 - options of files and of folders
        self,
        source: str | os.PathLike[str],
        uid: str | None = None,
        *,
        move: bool = False,
        force: bool = False,
        sha256: str | None = None,
        blake3: str | Digest | None = None,
        base: str | Sequence[str] | None = None,
        exclude: str | Sequence[str] = (),
        ignore: bool = True,
        follow_links: bool = False,
        executables: bool = False,
        checksum: bool = False,
        dry_run: bool = False,
        update: bool = False,
        remove: Sequence[str] = (),
        exact: bool = False,
        progress: Progress | None = None,
    ) -> AddResult:
        """Add a file, or a folder or a prefix of a bucket as one directory, from outside the lake.

        Adding bytes that exist already under that name is not an error: they are checked, and
        restored if they are damaged or missing, here and in the remote.

        Of a folder, the built-in rules leave out what systems and tools leave behind
        (`.DS_Store`, `Thumbs.db`, ...), and a `.radopsignore` at its top says in gitignore syntax
        what else is left out.

        A prefix, `s3://bucket/images/`, is streamed: with a remote, this machine holds only what is
        on its way. An interrupted add resumes when it is run again.

        Args:
            source: A path, or a URL (`http`, `https`, `s3`, `file`); an `s3` URL that ends in `/`
                is a prefix.
            uid: Its name in the lake; None for its own name. `name/@next` is the next version:
                `name/v1`, `name/v2`, ...
            move: Remove the source once the lake holds it; `AddResult.source_left` says if it
                was left because it is no longer the file that was taken.
            force: Add what a URL gives although it contradicts its name: a web page as `x.zip`.
            sha256: The SHA-256 that the file must have: 64 hexadecimal digits.
            blake3: The BLAKE3 that the file must have: 64 hexadecimal digits.
            base: Of a folder: directories of the lake that it shares files with, whose packs are
                used again. None: the one that was last added from this folder; empty: none.
            exclude: Of a folder: one pattern or several, in gitignore syntax of what is left out.
            ignore: Of a folder: apply the built-in rules and `.radopsignore`.
            follow_links: Of a folder: store what links point to that lead out of it.
            executables: Of a folder: keep which files can be executed.
            checksum: Of a folder: read every file, also those whose size and times are as they
                were when it was last added.
            dry_run: Of a folder: change nothing; only return what would be added.
            update: Of a folder: also keep the other paths of its base, which is the directory that
                it is a checkout of, or was last added as, unless `base` names one.
            remove: Of an update: patterns of paths of the base that are not kept.
            exact: Of a folder that is a checkout of a part of a directory: add that part alone.
            progress: Shows how far it is.

        Raises:
            UIDConflictError: The name exists with other bytes, or is a folder.
            FolderRefusedError: The folder holds what a directory cannot hold; names it.
            UsageError: The source belongs to a lake, or an option does not go with it.
            MissingFileError: There is no such file.
            FileChangedError: The file changed meanwhile, or is to be moved and a process has it
                open for writing.
            CorruptObjectError: It has another digest than it must have.
            RemoteUnavailableError: The remote, or the URL's server, cannot be reached.
            RemoteRefusedError: The URL's server has no such file.
        """
        check_path(source, "source")
        check_flags(move=move, force=force, ignore=ignore, dry_run=dry_run, exact=exact)
        # Imported here, not at the top: commands that only read do not need it.
        from radops.lake import add  # noqa: PLC0415
        from radops.lake.directory.bucket import is_prefix, name_of_prefix  # noqa: PLC0415
        from radops.lake.expected import expected  # noqa: PLC0415

        current.check_outside(self._session, str(uid or source))
        if uid is not None:
            uid = following(self._session.lake, uid)
        folder = _folder(source)
        is_bucket = is_prefix(source)
        with limited(self._session.jobs):
            if folder is None and not is_bucket:
                given = (
                    base,
                    exclude,
                    follow_links,
                    executables,
                    checksum,
                    dry_run,
                    update,
                    remove,
                )
                if any(given) or exact or not ignore:
                    raise UsageError(
                        "base, exclude, ignore, follow_links, executables, checksum, dry_run,"
                        " update, remove and exact are for folders, and"
                        f" {os.fspath(source)} is not a folder"
                    )
                options = add.Options(move, force, expected(sha256, blake3))
                return add.add(self._session, source, uid, options, progress)
            if sha256 is not None or blake3 is not None:
                raise UsageError("a digest can be given for one file only, not for a folder")
            from radops.lake.directory.add import (  # noqa: PLC0415 - most programs add no folders
                DirectoryOptions,
                add_directory,
            )

            names = None if base is None else as_patterns(base, "base")
            options_of_folders = DirectoryOptions(
                None if names is None else [parse_uid(name) for name in names],
                as_patterns(exclude, "exclude"),
                not ignore,
                follow_links,
                executables,
                checksum,
                dry_run,
                update,
                tuple(remove),
                move,
            )
            if folder is None:
                from radops.lake.directory.bucket_add import add_bucket  # noqa: PLC0415

                if exact:
                    raise UsageError("exact is for folders of this machine")
                url = os.fspath(source)
                name = parse_uid(uid if uid is not None else name_of_prefix(url))
                added = add_bucket(self._session, url, name, options_of_folders, progress)
            else:
                _check_checkout(folder, exact=exact or update)
                name = parse_uid(uid if uid is not None else name_of(folder.absolute()))
                added = add_directory(self._session, folder, name, options_of_folders, progress)
        left = added.sources_left
        return AddResult(
            UID(added.uid),
            added.digest,
            added.size,
            already_there=added.already_there,
            restored=added.restored,
            source_left=_left(left),
            files=added.files,
            bytes=added.bytes,
            left_out=added.left_out,
            rules=added.rules,
            read=added.read,
        )

    def add_many(
        self,
        pairs: Iterable[tuple[str | os.PathLike[str], str]],
        *,
        move: bool = False,
        progress: Progress | None = None,
    ) -> list[AddResult]:
        """Add many files in batches; each becomes visible whole, and none before it is durable.

        Everything that can be checked is checked before anything is written. An add that was
        interrupted can be run again: what is there already is not sent again.

        Args:
            pairs: Path and UID of each.
            move: Remove each source once the lake holds it; `AddResult.source_left` says if one
                was left because it is no longer the file that was taken.
            progress: Shows how far it is.

        Raises:
            UIDConflictError: A name exists with other bytes.
            InvalidUIDError: Some names cannot be UIDs; the message lists all of them.
            UsageError: Two different files are to get one name, or a source belongs to a lake.
            FileChangedError: A file changed meanwhile, or is to be moved and a process has it open
                for writing.
        """
        from radops.lake import add  # noqa: PLC0415 - as in `add`

        pairs = _checked(pairs)
        check_flags(move=move)
        current.check_outside(self._session, pairs[0][1] if pairs else "nothing")
        with limited(self._session.jobs):
            return add.add_many(self._session, pairs, move=move, progress=progress)


def _checked(
    pairs: Iterable[tuple[str | os.PathLike[str], str]],
) -> list[tuple[str | os.PathLike[str], str]]:
    """Return pairs of path and UID as a list; refuse what is neither."""
    found = list(pairs)
    for pair in found:
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise ArgumentTypeError(
                f"{pair!r} is not a pair of a path and a UID",
                hint='add_many([("a.csv", "data/a.csv")])',
            )
        check_path(pair[0], "the path of a pair")
        check_name(pair[1], "the UID of a pair")
    return found


def _left(paths: Sequence[str]) -> str | None:
    """Return the text of `AddResult.source_left` for files that a move of a folder left."""
    if not paths:
        return None
    if len(paths) == 1:
        return f"1 file changed meanwhile: {paths[0]}"
    return f"{len(paths)} files changed meanwhile, such as {paths[0]}"


def _check_checkout(folder: Path, *, exact: bool) -> None:
    """Refuse a checkout that is unfinished, or one of a part that is likely to be meant as all.

    Raises:
        UsageError: It is one.
    """
    marker = read_marker(folder)
    if marker is not None and marker.unfinished:
        raise UsageError(
            f"{folder} is an unfinished checkout of {marker.uid}: some files may be missing, or of"
            " what was there before",
            hint=f"run the download again that was interrupted, or remove {folder / MARKER} if all"
            " files are as you want them",
        )
    if marker is None or not marker.patterns or exact:
        return
    raise UsageError(
        f"{folder} is a checkout of a part of {marker.uid} ({', '.join(marker.patterns[:3])}), so"
        " the new directory would not have the other files",
        hint="keep them with --update, or add that part alone with --exact",
    )


def _folder(source: str | os.PathLike[str]) -> Path | None:
    """Return the folder that a source is; None for a file or URL."""
    path = local_source(source)
    return path if path is not None and path.is_dir() else None
