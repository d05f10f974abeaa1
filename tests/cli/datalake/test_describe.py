"""`radops datalake describe`."""

from __future__ import annotations

from radops.format.digest import Digest
from radops.format.note import new_note


def test_describe_and_info(sample):
    result = sample.ok("datalake", "describe", "name.txt", "By hand.\nsize: 7 TB", "--tag", "gold")
    assert result.out == ""
    assert "name.txt has a description and the tag gold\n" in result.err
    out = sample.ok("datalake", "info", "name.txt").out
    assert "\ndescription: By hand.\n  size: 7 TB\ntags: gold\n" in out
    found = sample.ok("datalake", "info", "name.txt", "--json").json
    assert (found["description"], found["tags"]) == ("By hand.\nsize: 7 TB", ["gold"])
    result = sample.ok(
        "datalake", "describe", "name.txt", "--untag", "gold", "-t", "b", "-t", "a", "--json"
    )
    assert result.json == {
        "uid": "name.txt", "description": "By hand.\nsize: 7 TB", "tags": ["a", "b"],
    }  # fmt: skip
    result = sample.ok("datalake", "describe", "name.txt", "--clear")
    assert "name.txt has no description and no tags\n" in result.err
    result = sample.ok("datalake", "describe", "name.txt", "--tag", "b", "--tag", "a")
    assert "name.txt has no description and the tags a, b\n" in result.err
    sample.ok("datalake", "describe", "name.txt", "--clear")
    assert "description" not in sample.ok("datalake", "info", "name.txt").out


def test_what_is_wrong_is_said(sample):
    for arguments, code, words in (
        (("name.txt",), 2, "there is nothing to change"),
        (("name.txt", "--tag", "a b"), 2, "cannot be a tag"),
        (("nome.txt", "text"), 3, "name.txt"),
        (("data/", "text"), 2, "a folder"),
        ((), 2, "UID"),
    ):
        result = sample("datalake", "describe", *arguments)
        assert (result.code, result.out) == (code, ""), result
        assert words in result.err


def test_offline_notes_are_sent_by_sync(machines):
    first, second = machines
    first.ok("datalake", "describe", "data/a.txt", "from the train", "--offline")
    assert second.ok("datalake", "info", "data/a.txt", "--json").json["description"] == ""
    result = first.ok("datalake", "sync")
    assert "sent 0 B, 1 note\n" in result.err
    assert first.ok("datalake", "sync", "--json").json["notes"] == 0
    found = second.ok("datalake", "info", "data/a.txt", "--json").json
    assert found["description"] == "from the train"


def test_a_hostile_description_steers_no_terminal(machines):
    _, second = machines
    digest = second.ok("datalake", "info", "data/a.txt", "--json").json["digest"]
    note = new_note(
        uid="data/a.txt",
        digest=Digest.from_hex(digest),
        originator="x",
        written_at="2026-01-01T00:00:00.000000Z",
        text="\x1b[31mred\r\nsize: 0",
        add=["\u202etag"],
    )
    path = second.folder.parent / "shared" / note.key
    path.parent.mkdir(parents=True)
    path.write_bytes(note.raw)
    out = second.ok("datalake", "info", "data/a.txt").out
    assert "description: \\x1b[31mred\\r\n  size: 0\ntags: \\u202etag\n" in out
