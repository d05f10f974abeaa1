"""Progress of work that may be slow: shown within half a second, and not at all if it is quick."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from radops.lake import add_items, progress
from radops.lake.progress import stage_if_slow
from radops.repository.working_lake import WorkingLake

if TYPE_CHECKING:
    from radops.data_lake import DataLake


class Shown:
    def __init__(self) -> None:
        self.began = threading.Event()
        self.events: list[tuple[object, ...]] = []

    def start(self, *what: object) -> None:
        self.events.append(("start", *what))
        self.began.set()

    def advance(self, size: int, files: int) -> None:
        self.events.append(("advance", size, files))

    def finish(self) -> None:
        self.events.append(("finish",))


def timers() -> list[threading.Timer]:
    """Return those of stages, whatever else runs in this process."""
    found = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    stages = progress._Late
    return [one for one in found if isinstance(getattr(one.function, "__self__", None), stages)]


def test_a_person_waits_at_most_half_a_second() -> None:
    assert progress._SLOW_SECONDS < 0.5


@pytest.mark.usefixtures("nothing_is_slow")
def test_quick_work_shows_nothing() -> None:
    shown = Shown()
    with stage_if_slow(shown, "checking") as count:
        assert len(timers()) == 1
        count(1, 1)
    assert timers() == []  # nor will anything be shown later
    assert shown.events == []


def test_slow_work_is_shown_even_if_it_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SLOW_SECONDS", 1.0)  # time for the first count
    shown = Shown()
    with stage_if_slow(shown, "checking", 7) as count:
        count(5, 1)
        for timer in timers():
            timer.join(60)
        count(6, 2)
    assert shown.events == [
        ("start", "checking", None, 7),
        ("advance", 5, 1),
        ("advance", 6, 2),
        ("finish",),
    ]


@pytest.mark.usefixtures("nothing_is_slow")
def test_a_failure_ends_it() -> None:
    shown = Shown()
    with pytest.raises(KeyError), stage_if_slow(shown, "checking"):
        raise KeyError
    assert timers() == []
    assert shown.events == []


@pytest.mark.parametrize("slow", ["check_name", "write_states"])
def test_an_add_shows_something_while_a_slow_step_lasts(
    lake: DataLake, write, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    where = add_items if slow == "check_name" else WorkingLake
    real = getattr(where, slow)
    seen: list[bool] = []

    def wait(*arguments: object) -> object:
        seen.append(shown.began.wait(60))
        return real(*arguments)

    monkeypatch.setattr(where, slow, wait)
    shown = Shown()
    lake.add_many([(write("a", "a"), "a")], progress=shown)
    assert seen == [True]


def test_adding_again_writes_nothing(make_lake, shared: str, write, monkeypatch) -> None:
    """So it cannot take longer than the first time."""
    lake = make_lake(remote=shared)
    pairs = [(write(f"{n}", f"content {n}"), f"x/{n}") for n in range(20)]
    lake.add_many(pairs)
    sent: list[object] = []
    backend = type(lake.session.lake.remote.backend)
    for name in ("put", "create", "upload", "adopt"):
        real = getattr(backend, name)

        def note(self, *arguments, name=name, real=real):
            if self is not lake.session.storage or name == "adopt":
                sent.append((name, arguments))
            return real(self, *arguments)

        monkeypatch.setattr(backend, name, note)
    batches: list[int] = []
    real_put = lake.session.storage.put
    monkeypatch.setattr(
        lake.session.storage, "put", lambda items: (batches.append(1), real_put(items))
    )
    assert all(result.already_there for result in lake.add_many(pairs))
    assert sent == []
    assert len(batches) < 5  # what the remote says is noted in one batch, not file by file
