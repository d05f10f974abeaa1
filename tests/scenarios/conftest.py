"""Lakes and consoles, in an environment without anything of the person who runs the tests."""

from console import cli
from lakes import clean_environment, lake, make_lake, shared, write
from modules import load

__all__ = ["clean_environment", "cli", "lake", "load", "make_lake", "shared", "write"]
