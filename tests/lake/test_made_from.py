"""What a result was made from, and whether that is still the same."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from radops.data_lake import File, file_creator
from radops.format.uid import UID
from radops.repository.refs.bury import bury

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake


def test_what_a_result_was_made_from(
    lake: DataLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    text = (
        "from radops.data_lake import File, file_creator\n\n\n"
        "@file_creator\n"
        "def make(f: File, output_uid: str) -> File:\n"
        '    """Say something."""\n'
        "    out = File(output_uid)\n"
        "    out.write_text('1')  # one\n"
        "    return out\n"
    )
    path = root / "steps.py"
    path.write_text(text)
    (root / "pyproject.toml").write_text('[project]\nname = "demo"\n')
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    monkeypatch.chdir(root)
    scope = {"__name__": "steps", "__file__": str(path)}
    exec(compile(text, str(path), "exec", dont_inherit=True), scope)
    File("in").write_text("x")
    scope["make"](File("in"), "out")
    made = lake.why("out")
    assert (made.function, made.code, made.file) == ("steps.make", "same", "steps.py")
    assert made.is_current
    path.write_text("# more\n" + text.replace("Say something.", "Say more.").replace("# one", ""))
    assert lake.why("out").code == "same"
    path.write_text(text.replace("'1'", "'2'"))
    assert lake.why("out").code == "changed"
    assert "another than in steps.py" in str(lake.why("out"))
    path.write_text("def make(:")
    assert lake.why("out").code == "unknown"
    monkeypatch.chdir(tmp_path)
    assert lake.why("out").code == "unknown"
    added = lake.why("in")
    assert (added.function, added.inputs) == (None, ())
    assert "was added" in str(added)


@file_creator(name="tests.joined")
def joined(f: File, output_uid: str, *, rate: float) -> File:
    out = File(output_uid)
    out.write_text(f.read_text() + File("read").read_text() + str(rate))
    return out


def test_inputs_that_changed_or_are_gone(lake: DataLake) -> None:
    for uid in ("given", "read"):
        File(uid).write_text(uid)
    made = joined(File("given"), "out", rate=0.5)
    why = lake.why("out")
    assert why.params == {"rate": 0.5}
    states = [(one.arg, one.uid, one.state) for one in why.inputs]
    assert states == [("f", "given", "same"), ("", "read", "same")]
    assert "  read: read  as it was" in str(why)
    record = {uid: lake.session.record(UID(uid)) for uid in ("given", "read")}
    for uid, one in record.items():
        # Deleted without what was made from it, as an older writer may that knows no edges.
        bury(lake.session.lake.local, UID(uid), 0, one.raw)
    File("given").write_text("others")
    why = lake.why("out")
    assert [one.state for one in why.inputs] == ["changed", "deleted"]
    assert not why.is_current
    assert "  f: given  other bytes now" in str(why)
    assert "  read: read  deleted since" in str(why)
    assert why.inputs[0].digest == record["given"].digest
    assert made.uid == why.uid
