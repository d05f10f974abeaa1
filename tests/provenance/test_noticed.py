"""Files and variables that a function reads by itself: noticed, and a change of them reported."""

from __future__ import annotations

import contextvars
import logging
import os
import threading
import time
import timeit
from pathlib import Path

import pytest

from radops.data_lake import File
from radops.format.digest import Digest
from radops.lake.current import current_run
from radops.lake.info import call_of
from radops.provenance import noticed
from radops.provenance.noticed import Notes, changed, look

SALT = Digest.of(b"a call")


def notice(monkeypatch):
    """Notice what this thread opens, and threads in a copy of its context."""
    run = object()
    mark = contextvars.ContextVar("mark", default=None)
    mark.set(run)
    with noticed.notice(run, current_run):
        pass
    monkeypatch.setattr(noticed, "_whose", mark.get)
    return noticed.notice(run, mark.get)


def seen(notes, root, **options):
    return look(notes, {}, salt=SALT, root=str(root), without=(), **options)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    root = tmp_path / "project"
    root.mkdir()
    for name in ("config.yaml", "data.bin"):
        (root / name).write_text("x")
        os.utime(root / name, (1e9, 1e9))
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    "read",
    [
        lambda: open("config.yaml").close(),
        lambda: open(b"config.yaml", "rb").close(),
        lambda: Path("config.yaml").read_text(),
        lambda: os.close(os.open("config.yaml", os.O_RDONLY)),
        lambda: open(Path("config.yaml").absolute()).close(),
    ],
)
def test_what_is_opened_is_noticed(folder, read, monkeypatch):
    with notice(monkeypatch) as notes:
        read()
    read()
    assert list(seen(notes, folder).files) == ["config.yaml"]


def test_what_does_not_count(folder, tmp_path, monkeypatch):
    with notice(monkeypatch) as notes:
        (folder / "out.txt").write_text("made here")
        (folder / "out.txt").read_text()
        with pytest.raises(FileNotFoundError):
            Path("missing").read_text()
        import json.decoder  # noqa: PLC0415

        open(json.__file__).close()
        Path("/proc/self/stat").read_text()
        os.listdir(".")
        with open(os.open("config.yaml", os.O_RDWR)) as stream:
            stream.read()
    assert seen(notes, folder) is None
    with notice(monkeypatch) as notes:
        (folder / "data.bin").read_bytes()
    assert look(notes, {}, salt=SALT, root=str(folder), without=[folder.as_uri()]) is None
    assert look(notes, {}, salt=SALT, root=str(folder), without=[str(folder)]) is None


def test_nothing_is_noticed_outside_and_in_other_threads(folder, monkeypatch):
    def read():
        (folder / "config.yaml").read_text()

    with notice(monkeypatch) as notes:
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    read()
    assert seen(notes, folder) is None
    with notice(monkeypatch) as notes:
        copy = contextvars.copy_context()
        thread = threading.Thread(target=copy.run, args=(read,))
        thread.start()
        thread.join()
    assert list(seen(notes, folder).files) == ["config.yaml"]


def test_paths_mean_the_same_in_another_checkout(folder, tmp_path, monkeypatch):
    home = tmp_path / "nobody"
    home.mkdir()
    for path in (home / "mine.yaml", tmp_path / "other.yaml"):
        path.write_text("x")
        os.utime(path, (1e9, 1e9))
    with notice(monkeypatch) as notes:
        for path in ("config.yaml", home / "mine.yaml", tmp_path / "other.yaml"):
            open(path).close()
    found = seen(notes, folder)
    assert list(found.files) == ["config.yaml", "~/mine.yaml", str(tmp_path / "other.yaml")]
    assert changed(found, {}, salt=SALT, root=str(folder)) == []
    (folder / "config.yaml").write_text("y")
    assert changed(found, {}, salt=SALT, root=str(folder)) == ["config.yaml"]
    (folder / "config.yaml").unlink()
    assert changed(found, {}, salt=SALT, root=str(folder)) == []


def test_large_files_are_named_only_and_many_are_data(folder, monkeypatch):
    with open("data.bin", "wb") as stream:
        stream.truncate(2 * 1024 * 1024)
    os.utime("data.bin", (1e9, 1e9))
    with notice(monkeypatch) as notes:
        open("data.bin", "rb").close()
    assert seen(notes, folder).files == {"data.bin": None}
    for i in range(100):
        (folder / f"{i}").write_text("x")
        os.utime(folder / f"{i}", (1e9, 1e9))
    with notice(monkeypatch) as notes:
        for i in range(100):
            open(f"{i}").close()
    assert len(seen(notes, folder).files) == 50


def test_variables_and_secrets():
    values = {"MODE": "fast", "GONE": None, "API_TOKEN": "s3cret", "DB_PASSWORD": "s3cret"}
    found = look(Notes(), values, salt=SALT, root=None, without=())
    assert list(found.variables) == ["MODE", "GONE"]
    assert changed(found, values, salt=SALT, root=None) == []
    now = {**values, "MODE": "slow", "GONE": "x"}
    expected = ["the environment variable MODE", "the environment variable GONE"]
    assert changed(found, now, salt=SALT, root=None) == expected
    # What the code does not name any more says nothing.
    assert changed(found, {}, salt=SALT, root=None) == []


def test_openings_cost_little(folder, monkeypatch):
    with notice(monkeypatch):
        cost = min(
            timeit.repeat(
                lambda: open("config.yaml").close(),
                timer=time.thread_time,  # others may want the processor too
                number=500,
                repeat=3,
            )
        )
    assert cost / 500 < 300e-6


PROGRAM = """
import os
from radops.data_lake import File, file_creator

import threading

def settings():
    found = []
    def read():
        with open("config.yaml") as stream:
            found.append(stream.read())
    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    return found[0]

@file_creator
def process(f: File) -> File:
    out = File(suffix=".txt")
    out.write_text(f.read_text() + settings() + os.environ.get("MODE", "") + os.environ["API_KEY"])
    return out
"""


def test_a_skipped_call_says_what_changed(load, lake, folder, caplog, monkeypatch):
    monkeypatch.setenv("MODE", "fast")
    monkeypatch.setenv("API_KEY", "s3cret")
    (folder / "pyproject.toml").write_text('[project]\nname = "demo"\n')
    File("in.txt").write_text("x")
    made = load(pipeline=PROGRAM, _folder=folder).process(File("in.txt"))
    record = lake.session.record(made.uid)
    call = call_of(lake.session.lake, record)
    assert list(call.noticed.files) == ["config.yaml"]
    assert list(call.noticed.variables) == ["MODE"]
    assert b"s3cret" not in record.raw

    def warnings(module):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "radops"):
            for _ in range(2):
                module.process(File("in.txt"))
        return caplog.messages

    module = load(pipeline=PROGRAM, _folder=folder)
    monkeypatch.setenv("API_KEY", "another")
    assert warnings(module) == []
    (folder / "config.yaml").write_text("y")
    monkeypatch.setenv("MODE", "slow")
    (said,) = warnings(load(pipeline=PROGRAM, _folder=folder))
    assert said.startswith(
        "pipeline.process read config.yaml, the environment variable MODE,"
        f" which have changed since it made {made.uid}; "
    )
