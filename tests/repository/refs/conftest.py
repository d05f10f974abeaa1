"""Lakes, in an environment without anything of the person who runs the tests."""

from lakes import clean_environment, lake, make_lake, shared, write

__all__ = ["clean_environment", "lake", "make_lake", "shared", "write"]
