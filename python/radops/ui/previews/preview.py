"""What is shown of a file's contents, according to its name and its first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final, cast

from radops.errors import RadopsError
from radops.ui import texts
from radops.ui.previews import arrays, images, tables, text
from radops.ui.previews.bounded import Bounded, TooMuchError
from radops.ui.previews.shapes import Preview

if TYPE_CHECKING:
    from radops.data_lake import DataLake, FileInfo

SECONDS: Final = 8.0
"""A preview that takes longer is not shown."""
FETCHED: Final = 8 << 20
"""An image that is not on this machine is fetched up to so many bytes."""


_KINDS: Final = {
    **dict.fromkeys(images.TYPES, images.preview),
    "parquet": tables.parquet,
    "pq": tables.parquet,
    "csv": tables.csv_rows,
    "tsv": tables.csv_rows,
    "jsonl": tables.json_lines,
    "ndjson": tables.json_lines,
    "npy": arrays.npy,
    "npz": arrays.npz,
}


def preview(lake: DataLake, info: FileInfo) -> Preview:
    """Return what is shown of a file. Errors are part of the answer."""
    if info.size == 0:
        return Preview("none", "The file is empty.")
    suffix = info.name.rpartition(".")[2].lower() if "." in info.name else ""
    if not info.local and info.size > FETCHED and suffix in images.TYPES:
        return Preview("none", f"An image of {texts.size(info.size)} that is not on this machine.")
    try:
        # Of a file that is not here, only what is shown is fetched, and not into local storage.
        with lake.file(info.uid).open("rb", fetch="ranges") as stream:
            bounded = cast("BinaryIO", Bounded(stream))
            return _KINDS.get(suffix, text.preview)(bounded, info.size)
    except RadopsError as error:
        return Preview("none", f"It cannot be read: {error.message}")
    except TooMuchError as error:
        return Preview("none", f"It is not shown: {error}.")
    except Exception as error:  # noqa: BLE001 - a broken file is no reason to fail the page
        return Preview(
            "none", f"It is not what its name says: {type(error).__name__}: {error}"[:500]
        )
