"""What clients do in scenarios, and how each thing they are told is judged."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocols.checker import Held, check, slots_of
from protocols.explorer import Explorer, settled
from protocols.scenario import DEEP, DEEP_RUNS, Count, Done, Failed, Scenario
from protocols.world import LAKE, content_of, open_backends
from radops.errors import RadopsError, RemoteUnavailableError, UIDConflictError, UIDNotFoundError
from radops.format.build import build_call, build_import
from radops.format.call import Call, CallInput, CallOutput, Code, Environment, encode_call
from radops.format.digest import Digest
from radops.format.record import FileRecord, FolderRecord, Tombstone
from radops.format.uid import UID, folders_of
from radops.repository import layout
from radops.repository.refs.bury import bury
from radops.repository.refs.commit import commit
from radops.repository.refs.draft import Draft
from radops.repository.refs.intents import resolve
from radops.repository.refs.repository import Repository
from radops.repository.refs.slots import Free, Taken, Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from protocols.scenario import Outcome
    from protocols.world import Client, Content
    from radops.repository.refs.commit import Outcome as Committed

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)


CALLS: dict[Digest, bytes] = {}
"""Calls that are objects of their own."""


def body(text: str) -> bytes:
    return f"the bytes {text}".encode()


def digest(text: str) -> Digest:
    return Digest.of(body(text))


PACK = "x"
"""The pack of all directories here; its content does not matter."""


def kept_of(record: FileRecord) -> set[Digest]:
    """Return what a record keeps, with the pack of a directory."""
    return set(record.keeps) | ({digest(PACK)} if record.directories else set())


def id_of(name: str) -> bytes:
    return Digest.of(f"commit of {name}".encode()).raw[:16]


def imported(uid: str, text: str, by: str) -> Draft:
    """Return a file that `by` adds: what `uid` is to hold is named by `text`."""
    record = build_import(
        uid=UID(uid),
        digest=digest(text),
        size=len(body(text)),
        source="file.txt",
        created_at=NOW,
        originator=by,
        radops_version="0",
        commit_id=id_of(f"{by} {uid}"),
    )
    return Draft([record], [(record.digest, record.size)])


def made_call(outputs: Mapping[str, str], key: str, inputs: Iterable[FileRecord] = ()) -> Call:
    """Return a call that made these outputs, UID -> text."""
    return Call(
        key=Digest.of(key.encode()),
        module="team",
        name="work",
        package_version=None,
        version=None,
        params={},
        inputs=tuple(
            CallInput(f"f{number}", one.uid, one.digest, one.record_digest)
            for number, one in enumerate(inputs)
        ),
        reads=(),
        outputs=tuple(
            CallOutput(UID(uid), digest(text), len(body(text)), number)
            for number, (uid, text) in enumerate(sorted(outputs.items()))
        ),
        code=Code(fingerprint=None, source=None, run_as=None, git=None),
        environment=Environment(python="3", platform="any", distributions={}),
        started_at="2026-11-22T12:00:00.000000Z",
        seconds=1.0,
    )


def called(
    outputs: Mapping[str, str], key: str, by: str, inputs: Iterable[FileRecord] = ()
) -> Draft:
    """Return the outputs of a call that `by` made: UID -> text."""
    call = made_call(outputs, key, inputs)
    records = build_call(
        call=call,
        created_at=NOW,
        originator=by,
        radops_version="0",
        commit_id=id_of(f"{by} {key} {'+'.join(sorted(outputs))}"),
    )
    objects = [(output.digest, output.size) for output in call.outputs]
    if records[0].call_object is not None:
        raw = CALLS[records[0].call_object] = encode_call(call)
        objects.append((records[0].call_object, len(raw)))
    return Draft(
        records,
        objects,
        call.key,
        sorted({one.uid for one in call.inputs}),
    )


def put_objects(client: Client, texts: Iterable[str]) -> None:
    client.port().put([(layout.object_key(digest(text)), body(text)) for text in texts])


@dataclass(frozen=True)
class Make:
    """Commits one draft."""

    draft: Draft
    texts: tuple[str, ...]

    def __call__(self, client: Client) -> Committed:
        put_objects(client, self.texts)
        if (call := self.draft.records[0].call_object) is not None:
            client.port().put([(layout.object_key(call), CALLS[call])])
        (result,) = commit(client.repository, [self.draft])
        if isinstance(result, RadopsError):
            raise result
        return result

    def judge(self, content: Content, outcome: Outcome, *, alone: bool = False) -> None:
        """Hold what the client was told against all that the slots say was ever there."""
        held = {(one.uid, one.number): one for one in all_slots(content)}
        if isinstance(outcome, Done):
            uids = [one.uid for one in outcome.value.taken]
            assert sorted(uids) == [r.uid for r in self.draft.records], f"was told of {uids}"
            for one in outcome.value.taken:
                there = held.get((one.uid, one.number))
                assert there is not None, f"told that {one.uid} is in an absent slot {one.number}"
                raw = None if there.record is None else there.record.raw
                assert raw == one.record.raw, f"told of what was never in {there.key}"
                assert not there.aborted, f"told of {there.key}, which was given up"
                wanted = next(r for r in self.draft.records if r.uid == one.uid)
                assert one.record.digest == wanted.digest, f"adopted other bytes for {one.uid}"
        elif isinstance(outcome.error, UIDConflictError):
            assert any(self._differs(one) for one in held.values()), (
                f"told of a conflict that never was: {outcome.error}"
            )
        elif alone or not isinstance(outcome.error, RemoteUnavailableError):
            raise AssertionError(f"ended with {outcome.error!r}") from outcome.error

    def _differs(self, held: Held) -> bool:
        """Say whether a slot held what this draft cannot stand beside, at any time."""
        mine = {record.uid: record for record in self.draft.records}
        above = {folder for uid in mine for folder in folders_of(uid)}
        if isinstance(held.content, FolderRecord):
            return held.uid in mine
        record = held.record
        if record is None or held.aborted:
            return False
        if record.uid in above:
            return True
        if record.uid not in mine:
            return False
        key = None if record.call is None else record.call.key
        return record.digest != mine[record.uid].digest or key != self.draft.key


def make_import(uid: str, text: str, by: str) -> Make:
    return Make(imported(uid, text, by), (text,))


def make_call(
    outputs: Mapping[str, str], key: str, by: str, inputs: Iterable[FileRecord] = ()
) -> Make:
    return Make(called(outputs, key, by, inputs), tuple(outputs.values()))


@dataclass(frozen=True)
class Delete:
    """Deletes one file, if it is there."""

    uid: str

    def __call__(self, client: Client) -> Taken:
        repository = client.repository
        state = repository.slots.state(UID(self.uid))
        if not isinstance(state, Taken) or not isinstance(state.record, FileRecord):
            raise UIDNotFoundError(f"no {self.uid}")
        bury(repository, state.uid, state.number, state.record.raw)
        return state

    def judge(self, content: Content, outcome: Outcome, *, alone: bool = False) -> None:
        if isinstance(outcome, Done):
            held = {(one.uid, one.number): one for one in all_slots(content)}
            there = held[UID(self.uid), outcome.value.number]
            assert isinstance(there.content, Tombstone), "a deleted file came back in its slot"
            assert there.record.raw == outcome.value.record.raw
        elif not isinstance(outcome.error, (UIDNotFoundError, RemoteUnavailableError)):
            raise AssertionError(f"ended with {outcome.error!r}") from outcome.error


@dataclass(frozen=True)
class Look:
    """Reads files one after the other, as a reader does."""

    uids: tuple[str, ...]

    def __call__(self, client: Client) -> list[bool]:
        slots = client.repository.slots
        return [isinstance(slots.state(UID(uid)), Taken) for uid in self.uids]

    def judge(self, content: Content, outcome: Outcome, *, alone: bool = False) -> None:
        """What was made as one and is not deleted is seen as one: never part, then nothing."""
        assert isinstance(outcome, Done), f"ended with {outcome}"
        seen = outcome.value
        assert seen == sorted(seen), f"saw {dict(zip(self.uids, seen, strict=True))}"


@dataclass(frozen=True)
class Settle:
    """Is blocked by whatever is pending under a name, and finishes it or gives it up."""

    uid: str

    def __call__(self, client: Client) -> None:
        repository = client.repository
        state = repository.slots.state(UID(self.uid))
        if isinstance(state, Unfinished):
            resolve(repository, state.record)

    def judge(self, content: Content, outcome: Outcome, *, alone: bool = False) -> None:
        if isinstance(outcome, Failed) and not isinstance(outcome.error, RemoteUnavailableError):
            raise AssertionError(f"ended with {outcome.error!r}") from outcome.error


def all_slots(content: Content) -> list[Held]:
    backends = open_backends({LAKE: content[LAKE]})
    return list(slots_of(Repository(backends[LAKE], originator="judge")))


def lake(content: Content) -> Repository:
    return Repository(open_backends({LAKE: content[LAKE]})[LAKE], originator="checker")


_sound: set[tuple[str, int]] = set()


def once(name: str, items: Mapping[str, bytes]) -> bool:
    """Say whether this content of one backend is seen for the first time by this check."""
    key = (name, hash(frozenset(items.items())))
    if key in _sound:
        return False
    _sound.add(key)
    return True


def check_lake(content: Content) -> None:
    """Check the lake as it is, and once more after everything pending was settled."""
    if not once("lake", content[LAKE]):
        return
    repository = lake(content)
    check(repository).raise_for_findings()
    if settle_all(repository):
        check(repository).raise_for_findings()


def settle_all(repository: Repository) -> int:
    """Finish or give up every intent; afterwards there is none. Return how many there were."""
    found = 0
    for held in list(slots_of(repository)):
        state = repository.slots.state(held.uid)
        if isinstance(state, Unfinished):
            found += 1
            resolve(repository, state.record)
            after = repository.slots.state(held.uid)
            assert not isinstance(after, Unfinished), f"{held.key} is still pending"
            assert isinstance(after, (Free, Taken))
    return found


def recovery(works: Mapping[str, Callable[[Client], object]]) -> Callable[[Content], None]:
    """Return what does all works again, each order once, by processes that have just begun."""
    names = list(works)

    def recover(content: Content) -> None:
        for turn in range(len(names)):
            order = names[turn:] + names[:turn]
            after, outcomes = settled(content, *((f"again {n}", works[n]) for n in order))
            for name, outcome in zip(order, outcomes, strict=True):
                try:
                    works[name].judge(after, outcome, alone=True)
                except AssertionError as error:
                    raise AssertionError(f"{name} once more: {error}") from error
            check_lake(after)

    return recover


def judge_all(works: Mapping[str, object]) -> Callable[[Content, Mapping[str, Outcome]], None]:
    """Return what judges each client's outcome, and that no creation is claimed twice."""

    def judge(content: Content, outcomes: Mapping[str, Outcome]) -> None:
        created: dict[tuple[str, int], str] = {}
        for name, outcome in outcomes.items():
            try:
                works[name].judge(content, outcome)
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from error
            if isinstance(works[name], Make) and isinstance(outcome, Done):
                for one in outcome.value.taken:
                    if one.uid in outcome.value.created:
                        other = created.setdefault((one.uid, one.number), name)
                        assert other == name, f"{name} and {other} both created {one.uid}"

    return judge


def begun(*works: Callable[[Client], object]) -> Content:
    """Return a lake in which these works were done, one after the other."""
    backends = open_backends({LAKE: {}})
    content, outcomes = settled(content_of(backends), *(("before", work) for work in works))
    for outcome in outcomes:
        assert isinstance(outcome, Done), outcome
    return content


def explore(
    name: str,
    works: Mapping[str, object],
    start: Sequence[Callable[[Client], object]] = (),
    *,
    judge: Callable[[Content, Mapping[str, Outcome]], None] | None = None,
    most_runs: int | None = None,
    **options: object,
) -> Count:
    """Explore clients that do these works at once on a lake in which `start` was done."""
    judged = judge_all(works)

    def judge_both(content: Content, outcomes: Mapping[str, Outcome]) -> None:
        judged(content, outcomes)
        if judge is not None:
            judge(content, outcomes)

    options.setdefault("recover", recovery(works))
    scenario = Scenario(name, works, begun(*start), check=check_lake, judge=judge_both, **options)
    return Explorer(scenario, DEEP_RUNS if DEEP else most_runs).explore()
