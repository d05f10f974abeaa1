"""What files and directories of a lake have in common: a name, a lake, and what is known of it."""

from __future__ import annotations

import abc
import functools
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from radops.arguments import kind_of
from radops.errors import ArgumentTypeError, CreatorError, UsageError
from radops.format.uid import UID, last_segment, parse_uid
from radops.lake import current, delete, evict, info
from radops.lake.directory.versions import NEXT, following, has_version, latest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    import pyarrow.dataset
    from typing_extensions import Self

    from radops.format.digest import Digest
    from radops.format.note import Description
    from radops.format.record import FileRecord
    from radops.lake.active_run import ChildRun, Run
    from radops.lake.current import Scope
    from radops.lake.lineage import Lineage
    from radops.lake.reports import FileInfo
    from radops.lake.session import HasSession, Session


@functools.total_ordering
class Named(os.PathLike[str]):
    """A name in a lake: what `File` and `Directory` share.

    Args:
        uid: The name; None for an implicit output.
        suffix: The extension of an implicit output.
        lake: The `DataLake`; None for the current one, looked up at each use.
        parse: Checks a name and returns it.
    """

    __slots__ = ("_scope", "_session", "_uid")

    kind: ClassVar[str] = "name"
    """What it is, for messages."""

    def __init__(
        self,
        uid: str | None,
        suffix: str,
        lake: HasSession | None,
        parse: Callable[[str], str],
    ) -> None:
        if lake is not None and not hasattr(lake, "session"):
            raise ArgumentTypeError(
                f"lake is {kind_of(lake)}, not a DataLake", hint="pass lake=DataLake(...)"
            )
        self._session = None if lake is None else lake.session
        self._scope: Scope | None = None
        if uid is None:
            run = current.current_run()
            if run is None:
                raise CreatorError(
                    f"a {type(self).__name__} needs a UID here",
                    hint=f"{type(self).__name__}() without one is an output inside a function under"
                    " @file_creator",
                )
            self._uid: str = run.implicit(suffix)
        elif isinstance(uid, str) and has_version(uid):
            self._uid = parse(self._version(uid))
        else:
            self._uid = parse(uid)

    def _set_name(self, uid: str) -> None:
        """Take a name, with nothing known of it."""
        self._uid = uid

    def _version(self, text: str) -> str:
        """Return a name with the version that its `@latest` or `@next` means now."""
        lake = self.session.lake
        if f"/{NEXT}" in text:
            return following(lake, text)
        return latest(lake, text)

    @property
    def uid(self) -> str:
        """The name."""
        return self._uid

    @property
    def name(self) -> str:
        """The part of the UID after the last slash: `train.csv`."""
        return last_segment(UID(self._uid))

    @property
    def chosen_session(self) -> Session | None:
        """The lake that was given; None if the current one is meant, whichever that is."""
        return self._session

    @property
    def session(self) -> Session:
        """The lake that the name is looked up in. Not for use outside radops."""
        if self._session is not None:
            return self._session
        if self._scope is not None and self._scope.session is not None:
            return self._scope.session
        return current.current_session()

    @property
    def _run(self) -> Run | ChildRun | None:
        run = current.current_run()
        if run is None and self._scope is not None:
            run = current.in_this_process(self._scope.run)
        return run

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._uid!r})"

    def _repr_html_(self) -> str:
        from radops.lake.named_html import table  # noqa: PLC0415 - for notebooks only

        return table(self.session, self._uid, self.kind)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and type(other) is type(self) and self._key == other._key

    def __lt__(self, other: object) -> bool:
        if isinstance(other, Named) and type(other) is type(self):
            return self._uid < other._uid
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._uid)

    @property
    def _key(self) -> tuple[object, ...]:
        session = self._session
        if session is None:
            return self._uid, None
        settings = session.settings
        return self._uid, (settings.home, settings.context, settings.remote)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        scope = self._scope or current.scope()
        if scope is not None and scope.session is None and scope.run is None:
            scope = None
        return known, (type(self), self._uid, self._session, scope)

    # -- what is known of it -------------------------------------------------------------------

    def _whole_record(self) -> FileRecord:
        """Return the record of this name.

        Raises:
            UIDNotFoundError: There is none.
        """
        return self.session.record(self._whole_uid())

    def _whole_uid(self) -> UID:
        return parse_uid(self._uid)

    @abc.abstractmethod
    def as_input(self, session: Session) -> tuple[FileRecord, tuple[str, Digest] | None]:
        """Return its record; for a file in a directory, the directory's, with path and digest.

        Raises:
            UIDNotFoundError: There is none.
        """

    def created(self) -> datetime:
        """Return when it was added or made, in UTC; of a file in a directory, when that was.

        Raises:
            UIDNotFoundError: There is none of that name.
        """
        return self._whole_record().created

    def lineage(self, up: bool = True, down: bool = False, depth: int | None = None) -> Lineage:
        """Return the graph around it; see `DataLake.lineage`."""
        from radops.lake.lineage import trace  # noqa: PLC0415 - few programs need it

        record = self._whole_record()
        return trace(self.session.lake, record, up=up, down=down, depth=depth, refresh=False)

    def info(self) -> FileInfo:
        """Return all that is known of it; see `DataLake.info`."""
        return info.describe(self.session.lake, self._whole_record())

    def describe(
        self,
        text: str | None = None,
        *,
        tags: Iterable[str] = (),
        untag: Iterable[str] = (),
        clear: bool = False,
    ) -> Description:
        """Change its description and tags; see `DataLake.describe`."""
        from radops.lake import notes  # noqa: PLC0415 - few programs need it

        return notes.describe(self.session, self._uid, text, add=tags, remove=untag, clear=clear)

    def dataset(self, **options: Any) -> pyarrow.dataset.Dataset:  # noqa: ANN401 - of pyarrow
        """Return it as a table of pyarrow, of which a query fetches only what it needs.

        Needs pyarrow: `pip install "radops[arrow]"`. The files of a directory are one table.

        Args:
            options: As of `pyarrow.dataset.dataset`: `format` (else what the extension says),
                `schema`, `partitioning`, ...

        Raises:
            UIDNotFoundError: There is none of that name.
            MissingLibraryError: pyarrow is not installed.
        """
        return integration("arrow", "dataset")(self, **options)

    def delete(self) -> list[str]:
        """Delete it for everyone; see `DataLake.delete`."""
        return delete.delete(self.session, self._whole_uid(), cascade=False, dry_run=False)

    def delete_local(self) -> list[str]:
        """Remove the local copy; it stays in the lake. See `DataLake.delete_local`."""
        return evict.delete_local(self.session, (self._whole_uid(),))


AnyNamed = TypeVar("AnyNamed", bound=Named)


def known(
    kind: type[AnyNamed], uid: str, session: Session | None, scope: Scope | None = None
) -> AnyNamed:
    """Return a file or directory of a name that was checked before; nothing is looked up."""
    made = kind.__new__(kind)
    made._session, made._scope = session, scope  # noqa: SLF001
    made._set_name(uid)  # noqa: SLF001
    return made


def checked_suffix(suffix: str, uid: str | None) -> str:
    """Return the suffix of an implicit output, checked.

    Raises:
        UsageError: It is no suffix, or was given together with a UID.
    """
    if not isinstance(suffix, str):
        raise UsageError(f"the suffix is {suffix!r}, not text such as .csv")
    if suffix and uid is not None:
        raise UsageError("a suffix goes with an implicit output, not with a UID")
    if suffix and not suffix.startswith("."):
        raise UsageError(f"the suffix {suffix!r} does not begin with a dot")
    return suffix


def integration(library: str, function: str) -> Any:  # noqa: ANN401 - of any library
    """Return a function of an integration, which is imported now.

    It is found by name, as methods such as `File.dataset` are only another spelling of what the
    integration offers, and nothing below may need a library that is not installed.

    Args:
        library: The module in `radops.integrations`.
        function: Its name there.

    Raises:
        MissingLibraryError: The library is not installed.
    """
    return getattr(import_module(f"radops.integrations.{library}"), function)
