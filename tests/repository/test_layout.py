"""The keys of a repository, and the names that are read off them again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from format.samples import digest, relaxed
from radops.errors import InvalidUIDError
from radops.format.digest import Digest
from radops.format.uid import UID, check_stored_uid
from radops.repository import layout


def test_objects_and_outlines_lie_in_folders_of_two_digits() -> None:
    assert layout.object_key(digest(0xAB)) == "objects/ab/" + "ab" * 31
    assert layout.outline_key(digest(0xAB)) == "outlines/ab/" + "ab" * 31


def test_an_edge_is_found_by_its_source_alone() -> None:
    source, output = UID("datasets/train.csv"), UID("größe/out.csv")
    prefix = layout.edges_prefix(source)
    assert prefix == f"edges/{Digest.of(source.encode()).hex}/"
    assert layout.edge_key(source, output) == f"{prefix}größe/out.csv.radops"


@relaxed
@given(st.lists(st.text(min_size=1, max_size=20), max_size=5))
def test_outputs_are_read_off_keys(names: list[str]) -> None:
    source, uids = UID("in"), []
    for name in names:
        try:
            uids.append(check_stored_uid(name))
        except InvalidUIDError:
            continue
    keys = [layout.edge_key(source, uid) for uid in uids]
    foreign = [
        layout.edge_key(UID("other"), UID("x")),
        layout.edges_prefix(source) + "../x.radops",
        layout.edges_prefix(source) + "x",
        layout.edges_prefix(source) + ".radops",
    ]
    assert layout.edge_outputs(source, [*keys, *foreign]) == sorted(uids)
