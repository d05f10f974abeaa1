"""The configuration: `config.toml` and the `RADOPS_*` variables.

A variable overrides the file, an argument overrides both. With neither there is one context,
`default`, without a remote: everything works, on this machine only. Secrets have no place
here: credentials come from where the AWS tools look, and a URL that carries some is refused.

::

    current_context = "team"
    email = "ada@example.com"
    on_code_change = "warn"              # or "error", "ignore"

    [contexts.team]
    remote = "s3://bucket/prefix"
    endpoint_url = "https://s3.example.com"
"""

from __future__ import annotations

from radops.config.check import OPTION_KEYS, check_context_name, check_email, split_remote
from radops.config.file import (
    CODE_CHANGE,
    CONTEXT_KEYS,
    DEFAULT_CONTEXT,
    KEY_CHOICES,
    TOP_KEYS,
    Config,
    Context,
    config_path,
    find_home,
    load,
)
from radops.config.settings import Settings, guess_originator, preview, resolve
from radops.config.write import (
    create_context,
    delete_context,
    set_values,
    update,
    use_context,
)

__all__ = [
    "CODE_CHANGE",
    "CONTEXT_KEYS",
    "DEFAULT_CONTEXT",
    "KEY_CHOICES",
    "OPTION_KEYS",
    "TOP_KEYS",
    "Config",
    "Context",
    "Settings",
    "check_context_name",
    "check_email",
    "config_path",
    "create_context",
    "delete_context",
    "find_home",
    "guess_originator",
    "load",
    "preview",
    "resolve",
    "set_values",
    "split_remote",
    "update",
    "use_context",
]
