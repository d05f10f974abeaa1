"""`radops config view`."""

import json
import os

from radops.cli import options
from radops.cli.output import write_json, write_lines
from radops.printable import printable

_VARIABLES = {
    "current_context": "RADOPS_CONTEXT",
    "email": "RADOPS_EMAIL",
    "on_code_change": "RADOPS_ON_CODE_CHANGE",
    "cache_size": "RADOPS_CACHE_SIZE",
    "offline": "RADOPS_OFFLINE",
    "remote": "RADOPS_REMOTE",
    "endpoint_url": "RADOPS_S3_ENDPOINT_URL",
}


def command(*, as_json: options.Json = False, context: options.Context = None) -> None:
    """Show the configuration in use: the file, and the variables that override it.

    Example:
      radops config view

    """
    from radops.config import OPTION_KEYS, config_path, resolve  # noqa: PLC0415 - for --help

    settings = resolve(context)
    top = {
        "current_context": settings.context,
        "email": settings.email,
        "originator": settings.originator,
        "on_code_change": settings.on_code_change,
        "offline": settings.offline,
        "shared": settings.shared,
        "cache_size": settings.cache_size,
    }
    remote = {
        "remote": settings.remote,
        **{key: getattr(settings.options, key) for key in OPTION_KEYS},
        "upload_patch": settings.upload_patch,
    }
    path = config_path()
    if as_json:
        places = {"home": str(settings.home), "config_file": str(path)}
        write_json({**places, **top, "context": remote})
        return
    write_lines([f"# {path}" + ("" if path.exists() else " (does not exist: all defaults)")])
    # The originator is not a key of the file: it follows from the e-mail and git.
    who = top.pop("originator")
    write_lines(_line(key, value) for key, value in top.items() if value not in (None, False))
    write_lines([f"# originator: {printable(str(who))}", "", f"[contexts.{settings.context}]"])
    shown = {key: value for key, value in remote.items() if value not in (None, False)}
    write_lines(_line(key, value) for key, value in shown.items())
    if not settings.remote:
        write_lines(["# no remote: files are on this machine only"])


def _line(key: str, value: object) -> str:
    variable = _VARIABLES.get(key)
    origin = f"  # from {variable}" if variable and os.environ.get(variable) else ""
    return f"{key} = {json.dumps(value, ensure_ascii=False)}{origin}"
