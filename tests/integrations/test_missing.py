"""Without an optional library, one line says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

from radops.errors import MissingLibraryError

PROGRAM = """
import sys
sys.modules[sys.argv[2]] = None
try:
    __import__(sys.argv[1])
except ImportError as error:
    print(type(error).__name__, error, error.hint, sep="|")
"""


@pytest.mark.parametrize(
    ("module", "library", "extra"),
    [
        ("fsspec", "fsspec.spec", "fsspec"),
        ("duckdb", "fsspec.spec", "fsspec"),
        ("arrow", "pyarrow.dataset", "arrow"),
        ("polars", "polars", "polars"),
    ],
)
def test_a_missing_library_is_named(module: str, library: str, extra: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, f"radops.integrations.{module}", library],
        check=True,
        capture_output=True,
        text=True,
    )
    name = library.partition(".")[0]
    assert done.stdout.strip().split("|") == [
        MissingLibraryError.__name__,
        f"{name} is not installed",
        f'pip install "radops[{extra}]"',
    ]


def test_the_api_imports_none_of_them() -> None:
    program = (
        "import sys; from radops.data_lake import File, Directory, DataLake; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert not {"fsspec", "pyarrow", "polars", "duckdb", "torch"} & set(done.stdout.split())
