"""One open lake: its settings, its home, and the remote where one is configured."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar
from weakref import WeakValueDictionary

from radops.backends.folder.backend import FolderBackend
from radops.backends.forking import renew_after_fork
from radops.backends.open import open_backend
from radops.config import resolve
from radops.config.check import check_folder
from radops.errors import (
    ConflictError,
    ForeignLakeError,
    LocalStorageError,
    NewerFormatError,
    RemoteRefusedError,
    RemoteUnavailableError,
)
from radops.format.digest import Digest
from radops.lake.call_hints import CallHints
from radops.lake.context_binding import (
    Binding,
    binding_key,
    create_binding,
    new_binding,
    read_binding,
    replace_binding,
)
from radops.lake.name_search import find
from radops.lake.search.index import SearchIndex
from radops.repository.layout import MARKER
from radops.repository.objects.store import LocalStore
from radops.repository.refs.pending import PendingResults
from radops.repository.refs.remote import Remote, ensure_marker, foreign, read_marker
from radops.repository.refs.repository import Repository
from radops.repository.resolver import TTL_SECONDS
from radops.repository.working_lake import WorkingLake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.backends.base import Backend
    from radops.config import Settings
    from radops.format.marker import Marker
    from radops.format.record import FileRecord
    from radops.format.uid import UID

T = TypeVar("T")


class LakeArguments(NamedTuple):
    """The arguments of `DataLake`; None means what is configured."""

    context: str | None = None
    home: Path | None = None
    remote: str | None = None
    offline: bool | None = None


class HasSession(Protocol):
    """A `DataLake`: what people hold of a session."""

    @property
    def session(self) -> Session:
        """The open lake."""
        ...


class Session:
    """One lake, open. Nothing is created or requested before it is needed. Thread-safe.

    Pickled and unpickled, it is the same lake, opened with the same arguments: in the same process
    the same session; in another one, a session that all that are unpickled there share.

    Args:
        settings: What holds for this lake.
        arguments: How it was opened.
    """

    def __init__(self, settings: Settings, arguments: LakeArguments) -> None:
        self.settings = settings
        self.arguments = arguments
        self.jobs: int | None = None
        """Most transfers or threads at once; None: as many as cores and remote allow."""
        self._token = secrets.token_hex(8)
        _open_sessions[self._token] = self
        self.storage = FolderBackend(
            settings.home / "storage", shared=settings.shared, private=settings.shared is None
        )
        self.store = LocalStore(self.storage)
        self.store.range_cache.use_limit(settings.cache_size)
        self._binding: Binding | None = None
        self._backend: Backend | None = None
        self._lake: WorkingLake | None = None
        self._index: SearchIndex | None = None
        self._ready = False
        self._hints = CallHints(self.storage)
        self._lock = threading.RLock()
        renew_after_fork(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _find_or_open, (self._token, self.arguments)

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may hold while it waits for a remote."""
        self._lock = threading.RLock()

    @property
    def remote_url(self) -> str | None:
        """The remote in use; None if there is none or this session works offline."""
        return None if self.settings.offline else self.settings.remote

    @property
    def lake_id(self) -> str:
        """The lake of this context."""
        return self.lake.local.prefix.split("/")[1]

    @property
    def lake(self) -> WorkingLake:
        """The lake itself. The first use may have to ask the remote which lake it holds."""
        with self._lock:
            lake = self._lake
            if lake is None or (lake.remote is not None and lake.remote.is_foreign):
                lake = self._lake = self._open()
            return lake

    @property
    def pending(self) -> PendingResults:
        """Results that could not be published yet."""
        return PendingResults(self.lake.local)

    @property
    def search_index(self) -> SearchIndex:
        """The index of names for searching, on this machine."""
        with self._lock:
            if self._index is None or self._index.lake_id != self.lake_id:
                root, group = self.store.root, self.storage.is_group
                self._index = SearchIndex(root, self.lake_id, group=group)
            return self._index

    def _open(self) -> WorkingLake:
        check_folder(self.settings.remote, self.settings.home)
        marker = read_marker(self.storage)  # raises if a later version made this home
        binding = read_binding(self.storage, self.settings.context) if marker else None
        if self.remote_url is None:
            self._binding = binding or new_binding()
            return self._alone()
        self._backend = open_backend(
            self.remote_url, self.settings.options, shared=self.settings.shared
        )
        self._binding = self._meet(self._backend, binding)
        here = self._local_repository()
        remote = Remote(
            self._backend,
            self._binding.lake_id,
            originator=self.settings.originator,
            known=self._remote_identity in self._binding.remotes,
            probed=self._remote_identity in self._binding.probed,
            identity=self._remote_identity,
        )
        return WorkingLake(self.store, here, remote)

    def _alone(self) -> WorkingLake:
        return WorkingLake(
            self.store, self._local_repository(), None, offline=self.settings.remote is not None
        )

    @property
    def _remote_identity(self) -> str:
        """The remote as bindings name it: one URL at two servers is two remotes."""
        return f"{self.settings.options.endpoint_url or ''} {self.settings.remote}".strip()

    def _meet(self, backend: Backend, binding: Binding | None) -> Binding:
        """Find out whether a remote holds the lake of this context.

        A context that holds nothing yet joins the lake that it finds.
        """
        known = binding is not None and self._remote_identity in binding.remotes
        if binding is not None and known and self._met_lately(binding):
            return binding
        try:
            marker = read_marker(backend)
        except (RemoteUnavailableError, RemoteRefusedError) as error:
            if binding is None or not known or isinstance(error, NewerFormatError):
                raise
            return binding  # what is here can be read
        if marker is None:
            return binding or new_binding()
        if binding is None or (
            binding.lake_id != marker.lake_id and self._is_empty(binding.lake_id)
        ):
            binding = Binding(marker.lake_id, saved=False)
        if binding.lake_id != marker.lake_id:
            raise foreign(backend.url, marker.lake_id, binding.lake_id)
        return binding if known and binding.saved else binding.found_at(self._remote_identity)

    def _met_lately(self, binding: Binding) -> bool:
        met = self.store.catalog.last_queried_at(MARKER, _identity(binding), self._remote_identity)
        return met is not None and time.time() - met < TTL_SECONDS

    def _is_empty(self, lake_id: str) -> bool:
        return self._repository_of(lake_id).is_empty()

    def _local_repository(self) -> Repository:
        return self._repository_of(self._binding.lake_id if self._binding else "")

    def _repository_of(self, lake_id: str) -> Repository:
        return Repository(self.storage, f"lakes/{lake_id}/", originator=self.settings.originator)

    def remember(self) -> None:
        """Save which lake this context belongs to, before anything of it is kept here."""
        with self._lock:
            lake, binding = self.lake, self._binding
            if binding is None:
                return
            if lake.remote is not None and binding.saved and not self._met_lately(binding):
                self.store.catalog.confirm([(MARKER, _identity(binding))], self._remote_identity)
            if binding.saved:
                return
            ensure_marker(self.storage, new_binding().lake_id)
            saved = create_binding(self.storage, self.settings.context, binding)
            if lake.remote is None:
                # Nothing was kept under our own id yet; another shell may have been faster.
                self._binding = saved
                self._lake = self._alone()
                return
            if self._remote_identity not in binding.remotes and saved.lake_id != binding.lake_id:
                # No remote holds a lake of our id, and the other process may have begun its own.
                self._lake = None
                return
            if saved.lake_id != binding.lake_id and not self._is_empty(saved.lake_id):
                raise foreign(lake.remote.backend.url, binding.lake_id, saved.lake_id)
            self._binding = replace_binding(self.storage, self.settings.context, binding)
            self.store.catalog.confirm([(MARKER, _identity(binding))], self._remote_identity)

    def check_remote(self) -> Marker | None:
        """Read again which lake the remote holds; None if there is no lake yet, or no remote.

        Raises:
            ForeignLakeError: It holds another lake.
        """
        with self._lock:
            return self._joining(lambda remote: remote.check())

    def _joining(self, ask: Callable[[Remote], T]) -> T | None:
        """Ask something of the remote; None if there is none.

        If two machines begin on an empty remote at once, one makes the lake. The other one, which
        holds nothing yet, joins it.
        """
        if (remote := self.lake.remote) is None:
            return None
        try:
            return ask(remote)
        except ForeignLakeError:
            if not self._is_empty(remote.lake_id):
                raise
            self._lake = None
        return None if (remote := self.lake.remote) is None else ask(remote)

    def prepare_write(self) -> WorkingLake:
        """Make sure that this lake can be written to, here and in the remote.

        Raises:
            ForeignLakeError: The remote holds another lake.
            NewerFormatError: A later version of radops made it.
            UnsafeRemoteError: The remote ignores create-if-absent.
            ConflictError: The context was connected to another lake while this program ran.
        """
        with self._lock:
            lake = self.lake
            if self._ready:
                self._check_binding()
                return lake
            marker = read_marker(self.storage)
            if marker is not None:
                marker.check_write()
            if lake.remote is not None:
                self._joining(lambda remote: remote.prepare_write())
                lake = self.lake
                if self._binding is not None and self._remote_identity not in self._binding.probed:
                    self._binding = self._binding.probed_at(self._remote_identity)
            self.remember()
            # Another process may have made them without flushing them yet.
            self.storage.include([MARKER, binding_key(self.settings.context)])
            self._ready = True
            return self.lake

    def _check_binding(self) -> None:
        """Notice a `config setup` in another shell: this lake may not be in use any more."""
        saved = read_binding(self.storage, self.settings.context)
        mine = self._binding
        if saved is not None and mine is not None and saved.lake_id != mine.lake_id:
            raise ConflictError(
                f"the context {self.settings.context!r} was connected to another lake meanwhile",
                hint="run it again",
            )

    def remember_quietly(self) -> None:
        """Like `remember`, for commands that only read: a home that is read-only is fine.

        A lake on this machine only leaves nothing behind before something is in it.
        """
        if self.remote_url is None:
            return
        with contextlib.suppress(LocalStorageError, ForeignLakeError):
            self.remember()

    def record(self, uid: UID) -> FileRecord:
        """Return the record of a file.

        Raises:
            UIDNotFoundError: There is none of that name.
        """
        record = find(self.lake, uid)
        self.remember_quietly()
        return record

    def call_hint(self, key: Digest) -> list[UID]:
        """Return where the first output of a call was last seen; nothing if that is not known."""
        return self._hints.find(self.lake, key)

    def note_call(self, key: Digest, uid: UID) -> None:
        """Note where the first output of a call is: a hint that can be lost."""
        self._hints.note(self.lake, key, uid)

    def all_lakes(self) -> list[WorkingLake]:
        """Return every lake of this home, each as it is on this machine."""
        folders = self.storage.list("lakes/", recursive=False)
        return [
            WorkingLake(
                self.store,
                Repository(self.storage, entry.key, originator=self.settings.originator),
                None,
            )
            for entry in folders
            if entry.is_prefix
        ]

    def close(self) -> None:
        """Close connections and descriptors."""
        self.store.close()
        if self._index is not None:
            self._index.close()
        if self._backend is not None:
            self._backend.close()


_open_sessions: WeakValueDictionary[str, Session] = WeakValueDictionary()
_unpickled: dict[tuple[str, Settings], Session] = {}


def open_session(
    context: str | None = None,
    home: Path | None = None,
    remote: str | None = None,
    offline: bool | None = None,
) -> Session:
    """Open a lake; see `DataLake` for the arguments.

    Raises:
        InvalidConfigError: The configuration cannot be used; the message names the key.
    """
    return Session(
        resolve(context, home, remote, offline), LakeArguments(context, home, remote, offline)
    )


def _find_or_open(token: str, arguments: LakeArguments) -> Session:
    found = _open_sessions.get(token)
    if found is not None:
        return found
    settings = resolve(*arguments)
    key = (repr(arguments), settings)
    return _unpickled.get(key) or _unpickled.setdefault(key, Session(settings, arguments))


def _identity(binding: Binding) -> Digest:
    return Digest.of(bytes.fromhex(binding.lake_id))
