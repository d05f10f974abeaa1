"""What an exploration is told, and what it tells: scenarios, schedules, outcomes, counts."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from protocols.world import LAKE, Client, Content

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEEP = os.environ.get("RADOPS_EXPLORE") == "deep"
"""Whether this is a soak, not the part of it that fits a pull request's time."""
DEEP_RUNS = 10_000
"""Runs of one scenario in a soak; what is cut short by it says so."""

LOST = "~"
"""The operation was done, but the client is told that the store cannot be reached."""
TWICE = "?"
"""A create or move was done, but its reply was lost and the retry says: it exists, it is gone."""
REFUSED = "-"
"""The operation was not done, and the client is told that the store cannot be reached."""
CRASHED = "!"
"""The client is gone for good, with its process; only needed where others wait for it."""
INTERRUPTED = "^"
"""The operation was done, and an interrupt (Ctrl-C) arrives with its answer."""
STOPPED = "_"
"""The operation was not done, as an interrupt (Ctrl-C) arrived first."""

_FAULTS = LOST + TWICE + REFUSED + CRASHED + INTERRUPTED + STOPPED


class BrokenError(AssertionError):
    """A run that ended badly, with the schedule that repeats it."""


class Choice(NamedTuple):
    """Which client goes on, with which operation of its batch, and what goes wrong."""

    client: int
    item: int = 0
    fault: str = ""

    def __str__(self) -> str:
        return "+" if self == TICK else f"{chr(65 + self.client)}{self.item or ''}{self.fault}"


TICK = Choice(-1)
"""Time passes."""


def parse_schedule(text: str) -> tuple[Choice, ...]:
    """Read a schedule as it is printed: `A A + B1 A~`."""
    choices = []
    for word in text.split():
        if word == str(TICK):
            choices.append(TICK)
            continue
        fault = word[-1] if word[-1] in _FAULTS else ""
        item = word[1:].removesuffix(fault) if fault else word[1:]
        choices.append(Choice(ord(word[0]) - 65, int(item or 0), fault))
    return tuple(choices)


@dataclass(frozen=True)
class Done:
    """A client's work came to its end."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """A client's work ended with an error."""

    error: BaseException


Outcome = Done | Failed


@dataclass
class Scenario:
    """What each client does at the same time, and what must hold after it."""

    name: str
    clients: Mapping[str, Callable[[Client], Any]]
    """Name and work of each client."""
    start: Content = field(default_factory=lambda: Content({LAKE: {}}))
    racing: tuple[str, ...] = ("refs/",)
    """Prefixes of the shared backend's keys that several clients read and write; of another's
    with its name, as `home:refs/`. Operations on others commute with everything, so they need no
    choice; each is a crash point all the same."""
    absent: tuple[str, ...] = ()
    """Ends of keys that are never there, so that deleting one has no effect."""
    faults: str = LOST + TWICE
    most_faults: int = 1
    preemptions: int | None = None
    """How often a client may be stopped that could go on; None: any number."""
    tick: float = 0.0
    """Seconds that pass at once, at any moment."""
    most_ticks: int = 0
    """How often time passes while somebody could go on. Where all wait, it passes by itself."""
    check_step: Callable[[Mapping[str, Any], str, str, bytes | None, bytes | None], str | None] = (
        lambda backends, name, key, old, new: None
    )
    """Returns what is wrong with a change of a key of another backend than the shared one."""
    check: Callable[[Content], None] = lambda content: None
    """Holds one content against the invariants."""
    judge: Callable[[Content, Mapping[str, Outcome]], None] = lambda content, outcomes: None
    """Judges a run in which each of these clients has finished; the others have crashed."""
    recover: Callable[[Content], None] | None = None
    """Does the work again on a copy of a content, and judges that."""
    processes: Mapping[str, str] = field(default_factory=dict)
    """Client and its process, for those that are threads of one; all others have their own."""


@dataclass
class Count:
    """How much was explored."""

    name: str
    runs: int = 0
    states: int = 0
    contents: int = 0
    operations: int = 0
    interleavings: int = 0
    complete: bool = True

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.interleavings:,} interleavings covered by {self.runs:,} runs,"
            f" {self.states:,} states, {self.contents:,} crash points"
            f"{'' if self.complete else ' (cut short)'}"
        )
