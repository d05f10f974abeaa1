"""The questions of `radops config setup`; the defaults are the present configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from radops.cli.ask import ask
from radops.cli.output import note
from radops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.cli.config.remote_options import Values
    from radops.config import Context
    from radops.data_lake import CheckStep

_OF_S3 = {
    "endpoint_url": "URL of the S3 server, - for Amazon's",
    "region": "Region, - for the profile's",
    "profile": "Profile of ~/.aws/config, - for the usual",
}
_SELDOM = {"ca_bundle": "File of certificates to trust, - for the usual"}
_CHOICES = ("remote", *_OF_S3, *_SELDOM)
# Words of hints, and the answer that each is about.
_SIGNS = {"bucket": "remote", **{key: key for key in (*_OF_S3, *_SELDOM)}}


def ask_context(default: str) -> str:
    """Return the name of the context to write."""
    from radops.config import check_context_name  # noqa: PLC0415 - so that --help is quick

    return ask("Context to write these answers to", default, check_context_name)


def ask_email(default: str) -> str:
    """Return the e-mail address that records will carry."""
    from radops.config import check_email  # noqa: PLC0415 - so that --help is quick

    return ask("Your e-mail, for lineage", default, check_email)


class Remote:
    """The questions about a remote: first all open ones, then again the one that was wrong.

    Args:
        values: The values that flags gave; completed in place.
        known: The context as configured, if it exists.

    """

    def __init__(self, values: Values, known: Context | None) -> None:
        self._values = values
        self._known = known
        self._settled = {key for key, value in values.items() if value is not None}

    def ask_open(self) -> None:
        """Ask for all values that no flag and no earlier answer gave."""
        if "remote" not in self._settled:
            note("Where is it? s3://bucket/prefix, file:///shared/folder, or - for this machine.")
            self._ask_url()
        for key, question in _OF_S3.items():
            if self._is_s3 and key not in self._settled:
                self._ask_option(key, question)

    def ask_again(self, failed: CheckStep | None = None) -> None:
        """Ask for one answer again, which the person chooses."""
        wrong = "remote"
        if self._is_s3:
            note(f"Change one of {', '.join(_CHOICES)}; - tries again, Ctrl-C leaves.")
            wrong = ask("Change", _suspect(failed), _check_choice)
        if wrong == "-":
            return
        if wrong == "remote":
            self._ask_url()
            self.ask_open()
        else:
            self._ask_option(wrong, {**_OF_S3, **_SELDOM}[wrong])

    @property
    def _is_s3(self) -> bool:
        return str(self._values["remote"]).startswith("s3:")

    def _ask_url(self) -> None:
        from radops.config import split_remote  # noqa: PLC0415 - so that --help is quick

        answer = self._ask("remote", "Remote", split_remote)
        if answer is not None:
            answer, options = split_remote(answer)
            self._values.update(options)
            self._settled.update(options)
        self._values["remote"] = answer
        self._settled.add("remote")

    def _ask_option(self, key: str, question: str) -> None:
        from radops.backends.location import RemoteOptions  # noqa: PLC0415 - see above

        def check(answer: str) -> None:
            RemoteOptions(**{key: answer})

        self._values[key] = self._ask(key, question, check)
        self._settled.add(key)

    def _ask(self, key: str, question: str, check: Callable[[str], object]) -> str | None:
        """Return the answer; None for `-`, since an empty answer means the default."""
        default = self._values[key] or getattr(self._known, key, None) or "-"
        answer = ask(question, str(default), lambda text: text == "-" or check(text))
        return None if answer == "-" else answer


def agrees_to_folder(remote: str) -> bool:
    """Return whether a shared folder exists or the person agrees to make it: it may be misspelt."""
    from radops.backends.location import parse_location  # noqa: PLC0415 - so that --help is quick

    location = parse_location(remote)
    folder = Path(location.path)
    if location.scheme != "file" or folder.exists() or not folder.parent.is_dir():
        return True
    return typer.confirm(f"There is no folder {folder}. Make it?", err=True)


def _suspect(failed: CheckStep | None) -> str:
    """Return the answer that a hint names first."""
    hint = (failed.hint or "") if failed else ""
    found = {hint.find(sign): key for sign, key in _SIGNS.items() if sign in hint}
    return found[min(found)] if found else "remote"


def _check_choice(answer: str) -> None:
    if answer != "-" and answer not in _CHOICES:
        raise UsageError(f"{answer!r} is not one of them")
