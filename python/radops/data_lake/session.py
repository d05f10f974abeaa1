"""One open lake: its settings, its home, and the remote where one is configured."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from radops.backends.folder import FolderBackend
from radops.backends.forking import renew_after_fork
from radops.backends.open import open_backend
from radops.data_lake.binding import (
    Binding,
    binding_key,
    create_binding,
    new_binding,
    read_binding,
    replace_binding,
)
from radops.data_lake.naming import not_found
from radops.errors import (
    ConflictError,
    CorruptObjectError,
    ForeignLakeError,
    LocalStorageError,
    NewerFormatError,
    RemoteRefusedError,
    RemoteUnavailableError,
)
from radops.model.digest import Digest
from radops.model.uid import parse_uid
from radops.repository.layout import MARKER
from radops.repository.local import LocalStore
from radops.repository.mirror import TTL_SECONDS, Mirror
from radops.repository.pending import Pending
from radops.repository.remote import Remote, ensure_marker, foreign, read_marker
from radops.repository.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.backends.base import Backend
    from radops.config import Settings
    from radops.model.marker import Marker
    from radops.model.record import FileRecord
    from radops.model.uid import UID

T = TypeVar("T")

# Each is some hundred bytes; a loop over more calls than that reads the files again.
_MOST_HINTS = 65_536


class Session:
    """What a `DataLake` works with. Nothing is created and nobody asked before it is needed.

    Args:
        settings: What holds for this lake.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.storage = FolderBackend(settings.home / "storage", shared=settings.shared)
        self.store = LocalStore(self.storage)
        self._binding: Binding | None = None
        self._backend: Backend | None = None
        self._mirror: Mirror | None = None
        self._ready = False
        self._hints: dict[Digest, UID] = {}
        self._lock = threading.RLock()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may hold while it waits for a remote."""
        self._lock = threading.RLock()

    @property
    def remote_url(self) -> str | None:
        """The remote in use; None if there is none or this session works apart from it."""
        return None if self.settings.offline else self.settings.remote

    @property
    def lake_id(self) -> str:
        """The lake of this context."""
        return self.mirror.here.prefix.split("/")[1]

    @property
    def mirror(self) -> Mirror:
        """The lake itself. The first use may have to ask the remote which lake it holds."""
        with self._lock:
            if self._mirror is None:
                self._mirror = self._open()
            return self._mirror

    @property
    def pending(self) -> Pending:
        """Results that could not be published yet."""
        return Pending(self.mirror.here)

    def _open(self) -> Mirror:
        marker = read_marker(self.storage)  # says so if a later version made this home
        binding = read_binding(self.storage, self.settings.context) if marker else None
        if self.remote_url is None:
            self._binding = binding or new_binding()
            return self._alone()
        self._backend = open_backend(
            self.remote_url, self.settings.options, shared=self.settings.shared
        )
        self._binding = self._meet(self._backend, binding)
        here = self._here()
        remote = Remote(
            self._backend,
            self._binding.lake_id,
            originator=self.settings.originator,
            known=self._place in self._binding.remotes,
            probed=self._place in self._binding.probed,
            place=self._place,
        )
        return Mirror(self.store, here, remote)

    def _alone(self) -> Mirror:
        return Mirror(self.store, self._here(), None, apart=self.settings.remote is not None)

    @property
    def _place(self) -> str:
        """The remote as bindings name it: one URL at two servers is two remotes."""
        return f"{self.settings.options.endpoint_url or ''} {self.settings.remote}".strip()

    def _meet(self, backend: Backend, binding: Binding | None) -> Binding:
        """Find out whether a remote holds the lake of this context.

        A context that holds nothing yet joins the lake that it finds.
        """
        known = binding is not None and self._place in binding.remotes
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
        return binding if known and binding.saved else binding.found_at(self._place)

    def _met_lately(self, binding: Binding) -> bool:
        met = self.store.catalog.heard(MARKER, _identity(binding), self._place)
        return met is not None and time.time() - met < TTL_SECONDS

    def _is_empty(self, lake_id: str) -> bool:
        return not any(
            True
            for part in ("refs/", "pending/")
            for _ in self.storage.list(f"lakes/{lake_id}/{part}")
        )

    def _here(self) -> Repository:
        lake_id = self._binding.lake_id if self._binding else ""
        return Repository(self.storage, f"lakes/{lake_id}/", originator=self.settings.originator)

    def remember(self) -> None:
        """Save which lake this context belongs to, before anything of it is kept here."""
        with self._lock:
            mirror, binding = self.mirror, self._binding
            if binding is None:
                return
            if mirror.remote is not None and binding.saved and not self._met_lately(binding):
                self.store.catalog.confirm([(MARKER, _identity(binding))], self._place)
            if binding.saved:
                return
            ensure_marker(self.storage, new_binding().lake_id)
            stands = create_binding(self.storage, self.settings.context, binding)
            if mirror.remote is None:
                # Nothing was kept under our own id yet; another shell may have been faster.
                self._binding = stands
                self._mirror = self._alone()
                return
            if stands.lake_id != binding.lake_id and not self._is_empty(stands.lake_id):
                raise foreign(mirror.remote.backend.url, binding.lake_id, stands.lake_id)
            self._binding = replace_binding(self.storage, self.settings.context, binding)
            self.store.catalog.confirm([(MARKER, _identity(binding))], self._place)

    def check_remote(self) -> Marker | None:
        """Read anew whose lake the remote is; None if there is no lake yet, or no remote.

        Raises:
            ForeignLakeError: It holds another lake.
        """
        with self._lock:
            return self._joining(lambda remote: remote.check())

    def _joining(self, ask: Callable[[Remote], T]) -> T | None:
        """Ask something of the remote; None if there is none.

        Of two machines that begin on an empty remote at once one makes the lake. The other, as
        it holds nothing yet, joins it.
        """
        if (remote := self.mirror.remote) is None:
            return None
        try:
            return ask(remote)
        except ForeignLakeError:
            if not self._is_empty(remote.lake_id):
                raise
            self._mirror = None
        return None if (remote := self.mirror.remote) is None else ask(remote)

    def prepare_write(self) -> Mirror:
        """Make sure that this lake can be written to, here and in the remote.

        Raises:
            ForeignLakeError: The remote holds another lake.
            NewerFormatError: A later version of radops made it.
            UnsafeRemoteError: The remote ignores create-if-absent.
            ConflictError: The context was connected to another lake while this program ran.
        """
        with self._lock:
            mirror = self.mirror
            if self._ready:
                self._check_binding()
                return mirror
            marker = read_marker(self.storage)
            if marker is not None:
                marker.check_write()
            if mirror.remote is not None:
                self._joining(lambda remote: remote.prepare_write())
                mirror = self.mirror
                if self._binding is not None and self._place not in self._binding.probed:
                    self._binding = self._binding.probed_at(self._place)
            self.remember()
            # Another process may have made them and not have come to flush them.
            self.storage.include([MARKER, binding_key(self.settings.context)])
            self._ready = True
            return self.mirror

    def _check_binding(self) -> None:
        """Notice a `config setup` in another shell: files must not go where nobody looks."""
        stands = read_binding(self.storage, self.settings.context)
        mine = self._binding
        if stands is not None and mine is not None and stands.lake_id != mine.lake_id:
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
        record = self.mirror.find(uid)
        if record is None:
            raise not_found(self.mirror, uid)
        self.remember_quietly()
        return record

    def path(self, record: FileRecord) -> Path:
        """Return the path of a file's object, proven, fetching it if it is not here.

        Raises:
            CorruptObjectError: The bytes are wrong and cannot be had elsewhere; names the file.
        """
        try:
            return self.mirror.path(record.digest, record.size)
        except CorruptObjectError as error:
            raise CorruptObjectError(
                f"{record.uid}: {error.message}",
                uid=record.uid,
                hint=error.hint or f"radops datalake verify {record.uid}",
            ) from error

    def call_hint(self, key: Digest) -> list[UID]:
        """Return where the first output of a call was last seen; nothing if that is not known."""
        known = self._hints.get(key)
        if known is not None:
            return [known]
        path = self.storage.path(self._hint_key(key))
        try:
            uid = parse_uid(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        self._keep_hint(key, uid)
        return [uid]

    def _keep_hint(self, key: Digest, uid: UID) -> None:
        if len(self._hints) >= _MOST_HINTS:
            self._hints.clear()
        self._hints[key] = uid

    def note_call(self, key: Digest, uid: UID) -> None:
        """Note where the first output of a call is: a hint that can be lost."""
        with contextlib.suppress(LocalStorageError):
            self.storage.fleeting().put([(self._hint_key(key), uid.encode())])
        self._keep_hint(key, uid)

    def _hint_key(self, key: Digest) -> str:
        return f"{self.mirror.here.prefix}calls/{key.path}"

    def all_lakes(self) -> list[Mirror]:
        """Return every lake of this home, each as it stands locally."""
        folders = self.storage.list("lakes/", recursive=False)
        return [
            Mirror(
                self.store,
                Repository(self.storage, entry.key, originator=self.settings.originator),
                None,
            )
            for entry in folders
            if entry.is_prefix
        ]

    def close(self) -> None:
        """Give connections and descriptors back."""
        self.store.close()
        if self._backend is not None:
            self._backend.close()


def _identity(binding: Binding) -> Digest:
    return Digest.of(bytes.fromhex(binding.lake_id))
