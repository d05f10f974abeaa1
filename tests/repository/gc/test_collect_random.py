"""Collectors, writers and deleters in any order, within each other, with any waits in between."""

from __future__ import annotations

import os
import random

from faults import Crash, WrapperBackend
from radops.format.digest import Digest
from radops.repository.gc.collect import SAFE_GRACE_SECONDS
from radops.repository.publish import PROMPT_SECONDS
from reliability.figures import report
from repository.bucket import HOUR, Bucket

WALKS = int(os.environ.get("RADOPS_SOAK_WALKS") or 100)
TEXTS = ("one", "two")
WAITS = (HOUR, 11 * HOUR, 24 * HOUR, 24 * HOUR, 72 * HOUR)
THEN = (*["go on"] * 9, *["else"] * 3, "crash")


class World:
    """A lake in which the next thing to happen is drawn, also in the middle of a collection."""

    def __init__(self, draw) -> None:
        self.draw = draw
        self.bucket = Bucket()
        self.bucket.add("first")
        self.looked: dict[str, float] = {}
        """When the writer of a text last made sure that its object is in place."""
        self.slots: dict[str, int] = dict.fromkeys(TEXTS, 0)
        self.named: set[str] = set()
        self.left = 80
        self.running = 0

    def something(self) -> None:
        """Let one thing happen, and look at what readers then see."""
        self.left -= 1
        actions = ["wait", "look", "name", "delete", *(["gc", "gc"] if self.running < 2 else [])]
        action = self.draw(actions)
        if action == "wait":
            self.bucket.wait(self.draw(WAITS))
        elif action == "gc":
            self.gc()
        else:
            getattr(self, action)(self.draw(TEXTS))
        self.bucket.check()

    def look(self, text: str) -> None:
        """A writer finds its object in place, or sends it."""
        if not self.bucket.has_object(Digest.of(text.encode())):
            self.bucket.put(text)
        self.looked[text] = self.bucket.time

    def name(self, text: str) -> None:
        """It writes its slot, if it is not too late."""
        if text in self.named or text not in self.looked:
            return
        if self.bucket.time - self.looked[text] > PROMPT_SECONDS:
            self.look(text)
        self.bucket.name(text, Digest.of(text.encode()), self.slots[text])
        self.named.add(text)
        del self.looked[text]

    def delete(self, text: str) -> None:
        if text in self.named:
            self.bucket.bury(text, self.slots[text])
            self.slots[text] += 1
            self.named.discard(text)

    def gc(self) -> None:
        self.running += 1
        try:
            self.bucket.gc(_Interrupted(self), grace=SAFE_GRACE_SECONDS)
        except Crash:
            pass
        finally:
            self.running -= 1


class _Interrupted(WrapperBackend):
    """Before each operation other things may happen, and it may be the last."""

    def __init__(self, world: World) -> None:
        super().__init__(world.bucket.store)
        self._world = world
        self._dead = False

    def _do(self, name, key, action):
        while self._world.left > 0 and not self._dead:
            then = self._world.draw(THEN)
            if then == "crash":
                self._dead = True
            elif then == "go on":
                break
            else:
                self._world.something()
        if self._dead:
            raise Crash
        return action()


def walk(seed: int) -> None:
    """Let eighty things happen in an order that the seed says."""
    world = World(random.Random(seed).choice)
    while world.left > 0:
        world.something()
    # And all that has no name goes in the end.
    for _ in range(4):
        world.bucket.wait()
        world.bucket.gc()
        world.bucket.check()
    kept = {"first", *world.named}
    assert len(world.bucket.below("objects/")) == len(kept)
    assert world.bucket.below("trash/") == []


def test_nothing_that_has_a_name_is_lost() -> None:
    first = random.randrange(1 << 30)
    for seed in range(first, first + WALKS):
        try:
            walk(seed)
        except Exception as error:
            raise AssertionError(f"walk({seed}) shows it") from error
    report("collectors, writers and deleters", walks=WALKS)
