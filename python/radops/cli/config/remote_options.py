"""The options that say where a remote is and how to reach it: those of `setup` and others."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from radops.backends.location import CHOICES
from radops.cli.completion import one_of
from radops.cli.options import flag

Values = dict[str, str | bool | None]
"""The value of each key of a context; None where no option gave one."""


def _text(key: str, metavar: str, help: str) -> Any:  # noqa: A002, ANN401 - as typer's
    completion = one_of(CHOICES[key]) if key in CHOICES else None
    name = f"--{key.replace('_', '-')}"
    option = typer.Option(name, metavar=metavar, help=help, autocompletion=completion)
    return Annotated[str | None, option]


_OPTIONS: dict[str, Any] = {
    "remote": _text("remote", "URL", "s3://bucket/prefix, or file:///shared/folder."),
    "endpoint_url": _text("endpoint_url", "URL", "The S3 server, if not Amazon's."),
    "region": _text("region", "NAME", "The bucket's region."),
    "profile": _text("profile", "NAME", "A profile of ~/.aws/config."),
    "ca_bundle": _text("ca_bundle", "FILE", "Certificates to trust."),
    "addressing_style": _text("addressing_style", "STYLE", "auto, path or virtual."),
    "sse": _text("sse", "KIND", "Encryption at rest: AES256, aws:kms."),
    "sse_kms_key_id": _text("sse_kms_key_id", "ID", "The key for aws:kms."),
    "sse_customer_key_file": _text(
        "sse_customer_key_file", "FILE", "A file with a key of your own (SSE-C)."
    ),
    "requester_pays": _text("requester_pays", "BOOL", "true: you pay for the requests."),
    "upload_patch": Annotated[
        bool,
        flag("--upload-patch", help="Store uncommitted changes of code with what it makes."),
    ],
}


def with_remote_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a remote.

    Args:
        command: Its parameter `given` gets what the options say, as `Values`. They take the
            place of `given` in the command's help.

    """

    @functools.wraps(command)
    def expanded(**arguments: Any) -> None:  # noqa: ANN401 - as the command's
        given: Values = {key: arguments.pop(key) or None for key in _OPTIONS}
        command(given=given, **arguments)

    own = inspect.signature(command).parameters.values()
    parameters = [one for parameter in own for one in _expanded(parameter)]
    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {one.name: one.annotation for one in parameters}
    return expanded


def _expanded(parameter: inspect.Parameter) -> Iterable[inspect.Parameter]:
    if parameter.name != "given":
        return [parameter]
    return [
        inspect.Parameter(
            key,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if key == "upload_patch" else None,
            annotation=annotation,
        )
        for key, annotation in _OPTIONS.items()
    ]
