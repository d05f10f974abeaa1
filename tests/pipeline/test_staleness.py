"""What a skipped call says of code that changed since its result was made."""

from __future__ import annotations

import logging

import pytest

from provenance.programs import repository
from radops.data_lake import File

FILES = {
    "pyproject": '[project]\nname = "demo"\n',
    "pipeline": """
        import helpers
        from radops.data_lake import File, file_creator

        @file_creator
        def process(f: File) -> File:
            out = File(suffix=".txt")
            out.write_text(helpers.clean(f.read_text()))
            return out
    """,
    "helpers": """
        RATE = 1
        def clean(x):
            return x * RATE
    """,
}


def run(load, folder, caplog, **files):
    (folder / "pyproject.toml").write_text(FILES["pyproject"])
    texts = {"pipeline": FILES["pipeline"], "helpers": FILES["helpers"], **files}
    module = load(_folder=folder, **texts)
    caplog.clear()
    with caplog.at_level(logging.WARNING, "radops"):
        made = module.process(File("in.txt"))
        module.process(File("in.txt"))
    return module, made.uid, list(caplog.messages)


@pytest.fixture
def folder(tmp_path, lake):
    File("in.txt").write_text("x")
    root = tmp_path / "project"
    root.mkdir()
    return root


def test_the_warning_names_what_changed(load, folder, caplog):
    _, uid, said = run(load, folder, caplog)
    assert said == []
    end = '; give the decorator a version="2", or track_code=True, to compute it again'
    text = FILES["helpers"]
    _, _, said = run(load, folder, caplog, helpers=text.replace("x * RATE", "RATE * x"))
    start = "clean (helpers.py), which pipeline.process uses, has changed since it made"
    assert said == [f"{start} {uid}{end}"]
    _, _, said = run(load, folder, caplog, helpers=text.replace("RATE = 1", "RATE = 2"))
    start = "RATE (helpers.py), which pipeline.process uses, has changed since it made"
    assert said == [f"{start} {uid}{end}"]
    other = FILES["pipeline"].replace(".read_text()", ".path().read_text()")
    _, _, said = run(load, folder, caplog, pipeline=other)
    assert said == [f"pipeline.process has changed since it made {uid}{end}"]
    both = text.replace("x * RATE", "RATE * x")
    _, _, said = run(load, folder, caplog, pipeline=other, helpers=both)
    start = "pipeline.process and clean (helpers.py) have changed since it made"
    assert said == [f"{start} {uid}{end}"]


def test_a_new_name_of_the_def_is_no_change(load, folder, caplog):
    text = FILES["pipeline"].replace("@file_creator", '@file_creator(name="team.clean")')
    _, uid, _ = run(load, folder, caplog, pipeline=text)
    renamed = text.replace("def process", "def tidy") + "\n        process = tidy\n"
    _, again, said = run(load, folder, caplog, pipeline=renamed)
    assert (again, said) == (uid, [])
    changed = renamed.replace(".read_text()", ".path().read_text()")
    _, again, said = run(load, folder, caplog, pipeline=changed)
    assert again == uid
    assert len(said) == 1


def test_why_agrees_with_the_run(load, folder, caplog, lake, monkeypatch):
    repository(folder)
    module, uid, _ = run(load, folder, caplog)
    assert str(module.process.why(File("in.txt"))).count("\n") == 0
    text = FILES["helpers"].replace("x * RATE", "RATE * x")
    module, _, _ = run(load, folder, caplog, helpers=text)
    why = module.process.why(File("in.txt"))
    assert why.hit
    assert [str(one) for one in why.differences] == [
        "clean (helpers.py), which pipeline.process uses, has changed since"
    ]
    monkeypatch.chdir(folder)
    made = lake.why(uid)
    assert not made.is_current
    assert made.code == "changed"
    assert made.changed == ("clean (helpers.py)",)
    assert "clean (helpers.py)" in str(made)
