"""The command line: reads arguments, calls the public API, shows its answer.

Every command is a module of its own, imported on first use; inside it, slow imports (rich, the
lake) are made when the command runs. So `radops --version` and shell completion are fast.

Modules with commands have no `from __future__ import annotations`, as typer reads annotations.
"""
