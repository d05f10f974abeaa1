"""A prefix of a bucket that is to become a directory: what is in it, and what is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from radops import native
from radops.backends.location import parse_location
from radops.errors import RemoteRefusedError, UsageError
from radops.format.inner import check_inner_path
from radops.lake.sources import is_url, split_s3
from radops.redact import strip_url
from radops.repository.trees.entries import MAX_PACKED
from radops.repository.trees.intake import refused

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from radops.backends.base import Reader
    from radops.backends.location import RemoteOptions
    from radops.backends.s3.listing import Version

# Never part of a directory; see `Rust: directory/rules.rs`.
_CHECKOUT_FILE = ".radops-checkout"
_IGNORE_FILE = ".radopsignore"
_MARKER = "radops.cbor"

# Rules of a folder that are longer than this are a mistake.
_MAX_RULES = 1 << 20

# Names of each reason that a message holds.
_MOST_NAMED = 10


class BucketFile(NamedTuple):
    """A file of the prefix."""

    path: str
    """Relative to the prefix."""
    size: int
    modified: float
    tag: str
    """Differs between versions; empty if the server gives none."""


class Plan(NamedTuple):
    """What a directory is to be made of."""

    files: list[BucketFile]
    folders: list[str]
    """Empty ones."""
    order: list[BucketFile | str]
    """Both, in the order of their paths."""
    left_out: int
    rules: int

    @property
    def bytes(self) -> int:
        """Bytes of the files."""
        return sum(one.size for one in self.files)


def is_prefix(source: str | os.PathLike[str]) -> bool:
    """Return whether a source is a prefix of a bucket: `s3://bucket/` or `s3://bucket/a/`."""
    if not isinstance(source, str) or not is_url(source) or source[:5].lower() != "s3://":
        return False
    key = split_s3(source).key
    return not key or key.endswith("/")


def name_of_prefix(url: str) -> str:
    """Return the name of the last folder of a prefix, or of the bucket."""
    where = split_s3(url)
    bucket = where.bucket_url.partition("?")[0][len("s3://") :]
    return where.key.rstrip("/").rpartition("/")[2] or bucket


class BucketPrefix:
    """A prefix of a bucket. No request is sent before the first call.

    Args:
        url: `s3://bucket/prefix/`; options of the bucket may follow: `?region=...`.
        options: How to reach the server.
    """

    def __init__(self, url: str, options: RemoteOptions) -> None:
        # Programs that add no buckets do not load the client.
        from radops.backends.s3.backend import S3Backend  # noqa: PLC0415

        where = split_s3(url)
        location = parse_location(where.bucket_url, strip_url(url))
        self.shown = strip_url(url)
        self._prefix = where.key
        self._backend = S3Backend(location.name, "", options.merged(location.options))

    def entries(self) -> dict[str, BucketFile]:
        """Return all that is in it by path; folders that are marked end in `/`."""
        start = len(self._prefix)
        found = {}
        for one in self._backend.versions(self._prefix):
            path = one.key[start:]
            if path or one.size:
                found[path] = _file(path, one)
        return found

    def read(self, files: Sequence[BucketFile]) -> list[bytes]:
        """Return the bytes of small files.

        Raises:
            FolderRefusedError: One changed since it was listed.
        """
        keys = [self._prefix + one.path for one in files]
        found = self._backend.read(keys, MAX_PACKED + 1)
        changed = [
            one.path
            for one, data in zip(files, found, strict=True)
            if data is None or len(data) != one.size
        ]
        if changed:
            raise self.changed(changed)
        return [data for data in found if data is not None]

    def open(self, file: BucketFile) -> Reader:
        """Open a file of any size.

        Raises:
            KeyNotFoundError: It was deleted since it was listed.
        """
        return self._backend.open(self._prefix + file.path)

    def rules(self, found: Mapping[str, BucketFile]) -> str:
        """Return what `.radopsignore` at the top holds."""
        file = found.get(_IGNORE_FILE)
        if file is None:
            return ""
        if file.size > _MAX_RULES:
            raise UsageError(f"{self.shown}{_IGNORE_FILE} has more than {_MAX_RULES:,} bytes")
        try:
            return self.read([file])[0].decode()
        except UnicodeDecodeError:
            raise UsageError(f"{self.shown}{_IGNORE_FILE} is not UTF-8") from None

    def check_unchanged(self, plan: Plan, exclude: Sequence[str], *, no_ignore: bool) -> None:
        """List it again and compare what is not left out.

        Raises:
            FolderRefusedError: Files changed, appeared or vanished since.
        """
        before = set(plan.order)
        found = self.entries()
        now = set(self.plan(found, exclude, no_ignore=no_ignore).order) if found else set()
        changed = {one if isinstance(one, str) else one.path for one in before ^ now}
        if changed:
            raise self.changed(changed)

    def changed(self, paths: Iterable[str]) -> Exception:
        """Return the error for files that changed while they were read."""
        return refused(self.shown, _grouped({"changed": paths}))

    def plan(
        self, found: Mapping[str, BucketFile], exclude: Sequence[str], *, no_ignore: bool
    ) -> Plan:
        """Choose what becomes part of the directory.

        Args:
            found: What `entries` returned.
            exclude: Patterns in gitignore syntax of what is left out.
            no_ignore: Apply neither built-in rules nor those in `.radopsignore`.

        Raises:
            RemoteRefusedError: There is nothing below the prefix.
            FolderRefusedError: A directory cannot hold some of it.
            UsageError: A pattern cannot be used.
        """
        if not found:
            raise RemoteRefusedError(
                f"there are no files below {self.shown}",
                hint="a prefix is taken as it is written, up to its last '/'",
            )
        try:
            text = "" if no_ignore else self.rules(found)
            rules = native.IgnoreRules(text, exclude=list(exclude), no_ignore=no_ignore)
        except ValueError as error:
            raise UsageError(f"a pattern cannot be used: {error}") from None
        left = _LeftOut(rules)
        bad: dict[str, list[str]] = {}
        files: dict[str, BucketFile] = {}
        marked: set[str] = set()
        left_out = 0
        for path, file in found.items():
            is_marker = path.endswith("/") and not file.size
            plain = path[:-1] if is_marker else path
            if plain == _CHECKOUT_FILE:
                continue
            reason = _fault(plain)
            if left.out(plain, folder=is_marker):
                left_out += not is_marker
            elif reason is not None:
                bad.setdefault(reason, []).append(path)
            elif is_marker:
                marked.add(plain)
            else:
                files[plain] = file
        above = {folder for path in (*files, *marked) for folder in _folders(path)}
        clash = [path for path in files if path in above or path in marked]
        if clash:
            bad["clash"] = clash
        if bad:
            raise refused(self.shown, _grouped(bad))
        folders = sorted(marked - above)
        # Paths in the order of their code points are in the order of their bytes in UTF-8.
        order = sorted([*files, *folders])
        return Plan(
            [files[path] for path in order if path in files],
            folders,
            [files.get(path, path) for path in order],
            left_out,
            rules.used,
        )

    def close(self) -> None:
        """Close connections."""
        self._backend.close()


class _LeftOut:
    """Applies rules to paths; a folder that is left out takes what is below it along."""

    def __init__(self, rules: native.IgnoreRules) -> None:
        self._rules = rules
        self._folders: dict[str, bool] = {}

    def out(self, path: str, *, folder: bool) -> bool:
        return any(map(self._folder, _folders(path))) or (
            self._folder(path) if folder else self._rules.leave_out(path, False)
        )

    def _folder(self, path: str) -> bool:
        known = self._folders.get(path)
        if known is None:
            known = self._folders[path] = self._rules.leave_out(path, True)
        return known


def _file(path: str, found: Version) -> BucketFile:
    return BucketFile(path, found.size, found.modified, found.tag)


def _fault(path: str) -> str | None:
    """Return why a path cannot be in a directory; None if it can."""
    try:
        check_inner_path(path)
    except ValueError:
        return "no-path"
    names = path.split("/")
    if ".git" in names:
        return "git"
    return "lake" if names[-1] == _MARKER else None


def _folders(path: str) -> Iterator[str]:
    """Yield the folders above a path, the outermost first."""
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)


def _grouped(bad: Mapping[str, Iterable[str]]) -> list[tuple[str, int, list[str]]]:
    groups = [(reason, sorted(paths)) for reason, paths in bad.items()]
    return [(reason, len(paths), paths[:_MOST_NAMED]) for reason, paths in groups]
