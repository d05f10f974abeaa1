"""Names that are not in the lake as they were typed."""

from __future__ import annotations

import pytest

from radops.cli.main import main
from radops.data_lake import File
from radops.errors import UIDNotFoundError
from radops.lake.shortening import shortened

KEY = "c5161ffbb3652b2cbf4193f4acd1622149e578f7519a7f2b2ab3e0b1c8414172"
OTHER = "c5161ffbb3652b2cbf4193f4acd1622149e578f7519a7f2b2ab3e0b1c8414173"

PIPELINE = """
from radops.data_lake import File, file_creator
@file_creator
def process(f: File) -> File:
    out = File(suffix=".csv")
    out.write_text(f.read_text() + "!")
    return out
"""


@pytest.fixture
def made(load, lake):
    File("in.txt").write_text("x")
    return load("steps", steps=PIPELINE).process(File("in.txt")).uid


def test_shortened_names_and_beginnings_can_be_pasted_back(made, lake, capsys, monkeypatch):
    folder, name = made.split("/")
    for text in (shortened(made), f"{folder}/{name[:12]}", f"{folder}/{name[:8]}...", made):
        assert lake.info(text).uid == made
        assert list(lake.download(text)) == [made]
        assert lake.why(text).uid == made
        assert lake.lineage(text).uid == made
        assert File(text).read_text() == "x!"
    monkeypatch.setenv("RADOPS_HOME", str(lake.home))
    assert main(["datalake", "local-path", shortened(made)]) == 0
    assert capsys.readouterr().out.strip()


def test_what_is_no_beginning(made, lake):
    folder, name = made.split("/")
    for text in (f"{folder}/{name[:5]}", f"{folder}/ffffffff...", f"{folder}/{name[:12]}..._9.csv",
                 "in.t", "in...txt"):  # fmt: skip
        with pytest.raises(UIDNotFoundError):
            lake.info(text)


def test_a_beginning_of_several_names_is_refused(load, made, lake, monkeypatch):
    text = PIPELINE.replace("-> File", "-> list[File]").replace("return out", "return [out, two]")
    text = text.replace('+ "!")', '+ "!")\n    two = File(suffix=".csv")\n    two.write_text("2")')
    one, two = load("steps", steps=text).process(File("in.txt"))
    with pytest.raises(UIDNotFoundError, match="beginning of 2 names") as caught:
        lake.info(one.uid.rpartition("_")[0][:30])
    assert one.uid in caught.value.hint
    assert lake.info(shortened(two.uid)).uid == two.uid


def test_a_name_without_its_folder_is_suggested(lake):
    File("churn/raw.csv").write_text("x")
    File("models/best.pkl").write_text("x")
    for typed, meant in (
        ("raw.csv", "churn/raw.csv"), ("data/raw.csv", "churn/raw.csv"),
        ("RAW.csv", "churn/raw.csv"), ("model/best.pkl", "models/best.pkl"),
        ("churn/row.csv", "churn/raw.csv"),
    ):  # fmt: skip
        with pytest.raises(UIDNotFoundError) as caught:
            lake.info(typed)
        assert caught.value.hint == f"did you mean {meant}?", typed
    with pytest.raises(UIDNotFoundError) as caught:
        lake.info("quite-another")
    assert caught.value.hint == "radops datalake ls -r"


def test_only_names_that_can_be_read_are_suggested(lake):
    File("data/x.csv").write_text("x")
    File("old.txt").write_text("x")
    lake.delete("old.txt")
    for typed, hint in (
        ("data", "did you mean data/?"), ("dat", "did you mean data/?"),
        ("old.txt", "radops datalake ls -r"), ("olf.txt", "radops datalake ls -r"),
        ("there/old.txt", "radops datalake ls -r"),
    ):  # fmt: skip
        with pytest.raises(UIDNotFoundError) as caught:
            lake.info(typed)
        assert caught.value.hint == hint, typed
