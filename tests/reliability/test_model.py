"""Two machines do what they like with one lake, beside a model of it that is a dict.

After every step a third machine, which knows nothing yet, must see exactly what the model says.
The two themselves may still see what was deleted elsewhere within the hour, and what they made
while working apart: nothing else.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from faults import Crash
from protocols.checker import check
from radops.backends.folder.backend import FolderBackend
from radops.data_lake import DataLake, File, file_creator
from radops.errors import (
    HasDependentsError,
    LineageMismatchError,
    LocalStorageError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UIDConflictError,
    UIDNotFoundError,
)
from radops.repository.refs.repository import Repository
from reliability import figures
from reliability.disk import Disk

EXAMPLES = int(os.environ.get("RADOPS_SOAK_EXAMPLES") or 6)
STEPS = 15

HOMES = st.sampled_from(["one", "two"])
UIDS = st.sampled_from(["a", "b", "d/a"])
BODIES = st.sampled_from([b"", b"x", b"y" * 100, b"z" * (1024 * 1024 + 1)])
counts = {"runs": 0, "steps": 0, "crashes": 0, "outages": 0}


@file_creator(name="tests.model.shout")
def shout(f: File, output_uid: str) -> File:
    out = File(output_uid)
    out.write_bytes(f.read_bytes().upper())
    return out


class LakeMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        parent = memory if os.access(memory, os.W_OK) else None
        self.root = Path(tempfile.mkdtemp(prefix="radops-test-", dir=parent))
        (self.root / "shared").mkdir()
        self.lake: dict[str, bytes] = {}
        """What everybody sees."""
        self.made_from: dict[str, str] = {}
        self.apart: dict[str, dict[str, bytes]] = {"one": {}, "two": {}}
        """What a machine made while it worked apart."""
        self.known: dict[str, dict[str, set[bytes]]] = {"one": {}, "two": {}}
        """What a machine may have seen under a name, at any time."""
        self.witnesses = 0
        self.stack = contextlib.ExitStack()
        for name, value in {
            "RADOPS_EMAIL": "ada@example.com",
            "RADOPS_LEASE_SECONDS": "0",
            "RADOPS_HOME": str(self.root / "nowhere"),
        }.items():
            self.stack.enter_context(mock.patch.dict(os.environ, {name: value}))

    def teardown(self) -> None:
        counts["runs"] += 1
        self.stack.close()
        shutil.rmtree(self.root)

    @contextlib.contextmanager
    def at(self, home: str, *, offline: bool = False) -> Any:
        counts["steps"] += 1
        remote = (self.root / "shared").as_uri()
        lake = DataLake(home=self.root / home, remote=remote, offline=offline)
        try:
            yield lake
        finally:
            lake.close()

    def saw(self, home: str, uid: str, content: bytes) -> None:
        self.known[home].setdefault(uid, set()).add(content)

    def source(self, content: bytes) -> Path:
        path = self.root / "source"
        path.write_bytes(content)
        return path

    @initialize()
    def joined(self) -> None:
        """Both know the lake, so that they can work apart from it."""
        for home in ("one", "two"):
            with self.at(home) as lake:
                lake.join()

    # -- what people do --------------------------------------------------------------------------

    @rule(home=HOMES, uid=UIDS, content=BODIES)
    def add(self, home: str, uid: str, content: bytes) -> None:
        self._add(home, uid, content, stop_at=None)

    @rule(home=HOMES, uid=UIDS, content=BODIES, step=st.integers(0, 50))
    def crash_while_adding(self, home: str, uid: str, content: bytes, step: int) -> None:
        counts["crashes"] += 1
        self._add(home, uid, content, stop_at=step)

    def _add(self, home: str, uid: str, content: bytes, stop_at: int | None) -> None:
        standing = {self.apart[home].get(uid), self.lake.get(uid)} - {None}
        source = self.source(content)
        try:
            with (
                self.at(home) as lake,
                Disk(self.root).watching(stop_at=stop_at),
            ):
                lake.add(source, uid)
        except UIDConflictError:
            made_otherwise = uid in self.made_from
            assert standing - {content} or made_otherwise
        except Crash:
            with self.witness() as witness:
                if witness.file(uid).exists() and uid not in self.lake:
                    assert witness.file(uid).read_bytes() == content
                    self.lake[uid] = content
        else:
            assert standing <= {content}
            # What was added apart is published with it.
            self.apart[home].pop(uid, None)
            self.lake[uid] = content
        self.saw(home, uid, content)

    @rule(home=HOMES, uid=UIDS, content=BODIES)
    def add_apart(self, home: str, uid: str, content: bytes) -> None:
        with self.at(home, offline=True) as lake:
            there = lake.file(uid).exists()
            try:
                lake.add(self.source(content), uid)
            except UIDConflictError:
                assert there
            else:
                if not there:
                    self.apart[home][uid] = content
        self.saw(home, uid, content)

    @rule(home=HOMES, uid=UIDS, offline=st.booleans())
    def read(self, home: str, uid: str, offline: bool) -> None:
        allowed = set(self.known[home].get(uid, ()))
        if uid in self.lake:
            allowed.add(self.lake[uid])
        with self.at(home, offline=offline) as lake:
            try:
                content = lake.file(uid).read_bytes()
            except UIDNotFoundError:
                assert offline or uid not in {**self.lake, **self.apart[home]}
            except RemoteUnavailableError:
                assert offline
            else:
                assert content in allowed
                self.saw(home, uid, content)

    @rule(home=HOMES, uid=UIDS)
    def create(self, home: str, uid: str) -> None:
        output = f"out/{uid}"
        with self.at(home) as lake, lake.use():
            try:
                content = shout(File(uid), output_uid=output).read_bytes()
            except (UIDNotFoundError, LineageMismatchError, UIDConflictError):
                return
        self.saw(home, output, content)
        with self.witness() as witness:  # its input may have been published with it
            for name in (uid, output):
                if name not in self.lake and witness.file(name).exists():
                    self.lake[name] = witness.file(name).read_bytes()
                    assert self.lake[name] in self.known[home].get(name, set())
                    self.apart[home].pop(name, None)
        if output in self.lake:
            self.made_from[output] = uid

    @rule(home=HOMES, uid=UIDS, derived=st.booleans())
    def delete(self, home: str, uid: str, derived: bool) -> None:
        uid = f"out/{uid}" if derived else uid
        used = uid in self.made_from.values()
        with self.at(home) as lake:
            try:
                lake.delete(uid)
            except UIDNotFoundError:
                assert uid not in {**self.lake, **self.apart[home]}
            except HasDependentsError:
                assert used
            else:
                if uid in self.apart[home]:
                    del self.apart[home][uid]
                else:
                    del self.lake[uid]
                    self.made_from.pop(uid, None)

    @rule(home=HOMES)
    def sync(self, home: str) -> None:
        with self.at(home) as lake:
            report = lake.sync()
        stuck = {problem.uid for problem in report.conflicts}
        for uid, content in list(self.apart[home].items()):
            if uid in stuck:
                assert self.lake[uid] != content or uid in self.made_from
                continue
            del self.apart[home][uid]
            assert self.lake.setdefault(uid, content) == content

    @rule(home=HOMES, uid=UIDS)
    def make_room(self, home: str, uid: str) -> None:
        with self.at(home) as lake, contextlib.suppress(UIDNotFoundError, LocalStorageError):
            lake.delete_local(uid)

    @rule(home=HOMES, uid=UIDS, content=BODIES)
    def add_without_the_remote(self, home: str, uid: str, content: bytes) -> None:
        """The share is not mounted."""
        counts["outages"] += 1
        (self.root / "shared").rename(self.root / "away")
        try:
            with self.at(home) as lake:
                lake.add(self.source(content), uid)
        except (RemoteUnavailableError, RemoteRefusedError):
            pass
        else:
            raise AssertionError("added to a remote that is not there")
        finally:
            (self.root / "away").rename(self.root / "shared")

    @rule(home=HOMES, quick=st.booleans())
    def verify(self, home: str, quick: bool) -> None:
        with self.at(home) as lake:
            lake.verify(quick=quick).raise_for_problems()

    # -- what must hold --------------------------------------------------------------------------

    @contextlib.contextmanager
    def witness(self) -> Any:
        self.witnesses += 1
        home = f"witness-{self.witnesses}"
        with self.at(home) as lake:
            yield lake
        shutil.rmtree(self.root / home, ignore_errors=True)

    @invariant()
    def everybody_sees_the_model(self) -> None:
        if not (self.root / "shared/radops.cbor").exists():
            return
        check(
            Repository(FolderBackend(self.root / "shared"), originator="checker@example.com")
        ).raise_for_findings()
        with self.witness() as witness, Disk(self.root).watching():
            assert {row.uid for row in witness.ls(recursive=True, details=True)} == set(self.lake)
            for uid, content in self.lake.items():
                assert witness.file(uid).read_bytes() == content


TestLake = LakeMachine.TestCase
TestLake.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


class TestModel(TestLake):
    """The test itself; hypothesis makes a `unittest` case of a machine."""

    __test__ = True

    @classmethod
    def tearDownClass(cls) -> None:
        figures.report("model", **counts)


del TestLake
