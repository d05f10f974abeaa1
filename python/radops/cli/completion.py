"""What the shell completes. A completion is fast and silent: any failure completes to nothing."""

import contextlib
from collections.abc import Callable, Iterable

import typer


def one_of(values: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a completion from a fixed set of values."""
    known = tuple(values)

    def complete(incomplete: str) -> list[str]:
        return [value for value in known if value.startswith(incomplete)]

    return complete


def complete_uids(context: typer.Context, incomplete: str) -> list[str]:
    """Return the UIDs known on this machine that begin so, one folder level at a time."""
    with contextlib.suppress(Exception):
        from radops.data_lake import DataLake  # noqa: PLC0415 - only when completing

        with contextlib.closing(DataLake(context.params.get("context"), offline=True)) as lake:
            return list(lake.complete(incomplete))
    return []


def complete_target(context: typer.Context, incomplete: str) -> list[str]:
    """Return UIDs after the first argument of `add`, for which the shell offers files."""
    return complete_uids(context, incomplete) if context.params.get("arguments") else []


def complete_contexts(incomplete: str) -> list[str]:
    """Return the contexts that begin so."""
    with contextlib.suppress(Exception):
        from radops.config import load  # noqa: PLC0415 - only when completing

        return one_of(load().all_contexts())(incomplete)
    return []


def complete_keys(incomplete: str) -> list[str]:
    """Return the keys of the configuration that begin so."""
    from radops.config import CONTEXT_KEYS, TOP_KEYS  # noqa: PLC0415 - only when completing

    return one_of((*TOP_KEYS, *CONTEXT_KEYS))(incomplete)


def complete_key_values(context: typer.Context, incomplete: str) -> list[str]:
    """Return the values that the key before this word can have, where they are a fixed set."""
    from radops.config import KEY_CHOICES  # noqa: PLC0415 - only when completing

    key = context.params.get("key") or ""
    if key == "current_context":
        return complete_contexts(incomplete)
    return one_of(KEY_CHOICES.get(key, ()))(incomplete)
