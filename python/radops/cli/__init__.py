"""The command line: it reads arguments, calls the API, and shows what the API answers.

Every command is a file of its own, imported when it is asked for; inside, what is slow to import
(rich, the lake) waits until the command runs. So `radops --version` and shell completion are quick.

Files with commands do without `from __future__ import annotations`: typer reads the annotations.
"""
