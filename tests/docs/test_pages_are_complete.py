"""Nothing that people can type, set or configure is missing from its page."""

from __future__ import annotations

import re
from pathlib import Path

import typer.main

import radops
from radops.cli.root import app
from radops.config import CONTEXT_KEYS, TOP_KEYS

DOCS = Path(__file__).parent.parent.parent / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_command_stands_on_its_page() -> None:
    text = page("cli.md")
    root = typer.main.get_command(app)
    with root.make_context("radops", ["config"], resilient_parsing=True) as context:
        for group in ("datalake", "config"):
            commands = root.get_command(context, group)
            for name in commands.list_commands(context):
                assert re.search(rf"`(config )?{name}\b", text), f"{group} {name}"
                # Every command shows how it is used.
                assert "Example" in (commands.get_command(context, name).help or ""), name


def test_every_key_of_the_configuration_stands_on_its_page() -> None:
    text = page("configuration.md")
    assert [key for key in (*TOP_KEYS, *CONTEXT_KEYS) if f"`{key}`" not in text] == []


def test_every_variable_stands_on_its_page_and_exists() -> None:
    sources = Path(radops.__file__).parent.rglob("*.py")
    read = set(re.findall(r"\bRADOPS_[A-Z0-9_]+", "".join(map(Path.read_text, sources))))
    told = set(re.findall(r"\bRADOPS_[A-Z0-9_]+", page("configuration.md")))
    assert read == told
