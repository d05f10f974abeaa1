"""Lakes, in an environment without anything of the person who runs the tests."""

import pytest

from lakes import clean_environment, lake, make_lake, shared, write
from modules import load
from radops.data_lake import DataLake, File

__all__ = ["clean_environment", "lake", "load", "make_lake", "shared", "write"]


@pytest.fixture
def source(lake: DataLake) -> File:
    """A file with `abc` in it."""
    File("in.txt").write_text("abc")
    return File("in.txt")
