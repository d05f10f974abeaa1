"""A configuration to read and change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    path = home / "config.toml"
    path.write_text(text)
    return path


TEAM = """
current_context = "team"
email = "ada@example.com"

[contexts.team]   # ours
remote = "s3://bucket/lake"
endpoint_url = "https://s3.example.com"
region = "eu-west-1"
upload_patch = true

[contexts.scratch]
remote = "file:///shared/scratch"
"""
