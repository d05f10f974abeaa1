"""What the shell completes. Never slow, never loud: any failure completes to nothing."""

import contextlib

import typer


def complete_uids(context: typer.Context, incomplete: str) -> list[str]:
    """Return UIDs that begin so, folder by folder, as far as this machine knows them."""
    with contextlib.suppress(Exception):
        from radops.data_lake import DataLake  # noqa: PLC0415 - only when completing

        with contextlib.closing(DataLake(context.params.get("context"), offline=True)) as lake:
            return list(lake.complete(incomplete))
    return []


def complete_contexts(incomplete: str) -> list[str]:
    """Return the configured contexts that begin so."""
    with contextlib.suppress(Exception):
        from radops.config import DEFAULT_CONTEXT, load  # noqa: PLC0415 - only when completing

        return [
            name for name in load().contexts or [DEFAULT_CONTEXT] if name.startswith(incomplete)
        ]
    return []


def complete_keys(incomplete: str) -> list[str]:
    """Return the keys of the configuration that begin so."""
    from radops.config import CONTEXT_KEYS, TOP_KEYS  # noqa: PLC0415 - only when completing

    return [key for key in (*TOP_KEYS, *CONTEXT_KEYS) if key.startswith(incomplete)]
