"""The public API: files by name, pipelines that compute once, lineage, verification.

::

    from radops.data_lake import File, file_creator, DataLake
"""

from __future__ import annotations

from radops.data_lake import messages
from radops.data_lake.checking import CheckStep, check_remote
from radops.data_lake.creator import Creator, file_creator
from radops.data_lake.file import File
from radops.data_lake.lake import DataLake

__all__ = ["CheckStep", "Creator", "DataLake", "File", "check_remote", "file_creator"]

messages.install()
