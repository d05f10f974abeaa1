"""What `info --json` says of a file."""

from __future__ import annotations

from cli.infos import ADDED, DIGEST, SPLIT, TRAIN
from radops.cli.datalake.info_json import document


def test_the_document_has_all_of_it():
    found = document(TRAIN)
    assert found["digest"] == DIGEST.hex
    assert len(found["call"]["inputs"]) == 30
    assert found["call"]["params"]["rate"] == 0.001
    assert found["call"]["code"]["line"] == 5
    assert document(ADDED)["call"] is None
    places = [output["place"] for output in document(SPLIT)["call"]["outputs"]]
    assert places == ["train", "test", "val"]
    assert document(SPLIT)["uid"] == SPLIT.uid
    assert list(found) == [
        "uid", "digest", "size", "name", "created_at", "originator", "radops_version", "record",
        "local", "source", "call", "type", "files", "bytes", "directory",
        "description", "tags",
    ]  # fmt: skip
