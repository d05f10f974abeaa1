"""Views of files whose names others had before."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("synced", [False, True])
def test_a_name_that_became_a_folder_and_a_file_again(
    make_lake, shared: str, write, synced: bool
) -> None:
    one, two = make_lake("one", remote=shared), make_lake("two", remote=shared)
    one.add(write("a", "whole"), "data")
    assert two.path("data").read_text() == "whole"
    one.delete("data")
    one.add(write("b", "part"), "data/deep/t.csv")
    if synced:
        two.sync()
    assert two.path("data/deep/t.csv").read_text() == "part"
    assert two.verify().ok


def test_a_folder_of_stale_views_where_a_file_is_to_stand(make_lake, shared: str, write) -> None:
    lake = make_lake("one", remote=shared)
    lake.add(write("a", "whole"), "data")
    files = lake.path("data").parent
    (files / "data").unlink()
    (files / "data" / "deep").mkdir(parents=True)
    (files / "data" / "deep" / "t.csv").write_text("stale")
    assert lake.path("data").read_text() == "whole"
    assert lake.verify().ok
