"""What others wrote into the lake, shown by every command: it steers nothing, forges no line."""

from __future__ import annotations

import json
import re

import pytest

from radops.cli.main import main
from radops.format.build import build_call, build_import
from radops.format.call import Call, CallInput, CallOutput, Code, Environment, Git, Noticed
from radops.format.digest import Digest
from radops.format.uid import UID
from radops.printable import json_text
from radops.repository.refs.repository import now

# A title, a colour by a C1 control, an override of direction, and every end of a line.
EVIL = "a\x1b]0;x\x07\x9b31m\u202eb\nFORGED\rFORGED\x85FORGED\u2028FORGED\x0b\x0cFORGED\x00"

COMMANDS = [
    ["ls"], ["ls", "-l"], ["ls", "-r"], ["info", "in.txt"], ["info", "out.txt"],
    ["info", "out.txt", "--code"], ["lineage", "out.txt"], ["lineage", "in.txt", "--down"],
    ["lineage", "out.txt", "--format", "mermaid"], ["lineage", "out.txt", "--format", "dot"],
    ["lineage", "out.txt", "--verify"], ["why", "out.txt"], ["why", "in.txt"],
    ["local-path", "in.txt"], ["download", "in.txt"], ["verify"], ["sync"], ["gc", "--dry-run"],
    ["delete", "in.txt", "--dry-run"], ["delete", "in.txt"], ["delete-local", "in.txt"],
    ["info", f"no{EVIL}"], ["add", f"no{EVIL}"], ["ls", f"no{EVIL}"], [f"no{EVIL}"],
    ["cat", "nothing"], ["lineage", "out.txt", "--format", EVIL], ["presigned-url", "in.txt"],
    ["purge-local-storage", "--max-size", "0B", "--dry-run"], ["empty-quarantine", "--dry-run"],
]  # fmt: skip


@pytest.fixture
def lake(tmp_path, monkeypatch, make_lake):
    """A lake with records in which every text that may be free is hostile."""
    monkeypatch.chdir(tmp_path)
    lake = make_lake()
    (tmp_path / "in.txt").write_text("x")
    lake.add("in.txt", "first.txt")
    digest = lake.info("first.txt").digest
    common = {"created_at": now(), "originator": EVIL, "radops_version": EVIL}
    slots = lake.session.lake.local.slots
    imported = build_import(uid=UID("in.txt"), digest=digest, size=1, source=EVIL, **common)
    assert slots.create([(UID("in.txt"), 0, imported.raw)]) == [True]
    call = Call(
        key=Digest.of(b"key"), module=EVIL, name=EVIL, package_version=EVIL, version=EVIL,
        params={EVIL: EVIL, "list": ["list", [EVIL]], "path": ["path", EVIL]},
        inputs=(CallInput(EVIL, UID("in.txt"), digest, imported.record_digest),), reads=(),
        outputs=(CallOutput(UID("out.txt"), digest, 1, EVIL),),
        code=Code(
            fingerprint=Digest.of(b"x"), source=f"\tdef f(): {EVIL}", run_as=EVIL,
            git=Git(remote=f"https://host/{EVIL}", commit="0" * 40, path=EVIL, line=1,
                    dirty=True, pushed=False, patch=None),
            parts={EVIL: b"abc"},
        ),
        environment=Environment(python=EVIL, platform=EVIL, distributions={EVIL: EVIL}),
        started_at="2026-11-22T12:21:03.000456Z", seconds=1.0,
        noticed=Noticed(files={EVIL: None}, variables={EVIL: None}),
    )  # fmt: skip
    (record,) = build_call(call=call, **common)
    assert slots.create([(UID("out.txt"), 0, record.raw)]) == [True]
    return lake


def is_safe(text, styles=(), *, is_code=False):
    for style in styles:
        text = text.replace(style, "")
    lines = text.split("\n")
    # Source code has lines of its own.
    forged = not is_code and [line for line in lines if re.match(r"\s{0,1}FORGED", line)]
    return not forged and not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", text)


@pytest.mark.parametrize("command", COMMANDS, ids=range(len(COMMANDS)))
def test_in_a_pipe(lake, command, capfd, monkeypatch):
    for extra in ([], ["--json"]):
        capfd.readouterr()
        main(["datalake", *command, *extra])
        out, err = capfd.readouterr()
        assert is_safe(out, is_code="--code" in command), ascii(out)
        assert is_safe(err), ascii(err)
        if extra and out and "--code" not in command and out.startswith("{"):
            assert json.loads(out)
            assert json_text(out.rstrip("\n")) == out.rstrip("\n")
    if command == ["info", "out.txt"]:
        main(["datalake", *command, "--json"])
        assert json.loads(capfd.readouterr().out)["call"]["code"]["source"] == f"\tdef f(): {EVIL}"


def test_on_a_terminal(lake, cli):
    """All commands that show records; what each writes goes through the same functions."""
    styles = [f"\x1b[{code}m" for code in ("0", "1", "2", "3", "1;31", "33", "36", "1;2", "22")]
    for command in COMMANDS[:14]:
        shown = cli.terminal("datalake", *command).left.replace("\r\n", "\n")
        is_code = "--code" in command
        assert is_safe(shown, styles, is_code=is_code), (command, ascii(shown))
        assert "\u202e" not in shown


def test_python(lake):
    for text in (str(lake.lineage("out.txt")), lake.lineage("out.txt").to_dot(),
                 lake.lineage("out.txt").to_mermaid(), str(lake.why("out.txt"))):  # fmt: skip
        assert is_safe(text), ascii(text)
        assert "\u202e" not in text
