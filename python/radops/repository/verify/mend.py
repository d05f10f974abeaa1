"""What the repairs of a home and of a remote share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import RadopsError
from radops.format.edge import Edge
from radops.format.uid import UID
from radops.repository import layout
from radops.repository.refs.intents import ensure_folders
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from radops.format.digest import Digest
    from radops.repository.refs.repository import Repository
    from radops.repository.verify.findings import Finding


class CannotError(Exception):
    """The reason why a finding cannot be repaired."""


def run_hands(
    found: Iterable[Finding],
    order: Sequence[str],
    hands: Mapping[str, Callable[[Finding], str]],
) -> None:
    """Repair findings, kind by kind, and note in each what was done.

    Args:
        found: What a check found.
        order: Kinds of findings in the order of repair; others are left alone.
        hands: The function that repairs a kind and returns what it did.
    """
    places = {kind: place for place, kind in enumerate(order)}
    todo = [finding for finding in found if finding.kind in places]
    for finding in sorted(todo, key=lambda finding: places[finding.kind]):
        _mend(finding, hands[finding.kind])


def _mend(finding: Finding, hand: Callable[[Finding], str]) -> None:
    try:
        finding.repair = hand(finding)
        finding.repaired = True
    except CannotError as error:
        finding.repair = f"not repaired: {error}"
    except RadopsError as error:
        finding.repair = f"not repaired: {error.message}"
    except OSError as error:
        finding.repair = f"not repaired: {error.strerror or error}"


def digest_of(finding: Finding) -> Digest:
    """Return the object that a finding is about."""
    if finding.digest is None:
        raise CannotError("it is not known which object")
    return finding.digest


def write_folder_records(side: Repository, finding: Finding) -> str:
    """Write the missing records of folders, and return what was done."""
    for folder in finding.uids:
        side.folders_seen.discard(UID(folder))
        for error in ensure_folders(side, [UID(f"{folder}/x")]).values():
            raise error
    return "the record was written"


def write_edge(side: Repository, finding: Finding) -> str:
    """Write the edge from an input to what was made from it, and return what was done."""
    if finding.edge is None:
        raise CannotError("it is not known which")
    source, output = map(UID, finding.edge)
    state = side.slots.state(output)
    if not isinstance(state, Taken):
        raise CannotError("the file is gone")
    body = Edge(output, state.record.record_digest).encode()
    side.put([(side.prefix + layout.edge_key(source, output), body)])
    return "the edge was written"
