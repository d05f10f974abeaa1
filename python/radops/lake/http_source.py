"""Reads a file from a web server: answers of the server are bounded in size and time.

`urllib` handles proxies and certificates; redirects, lengths and encodings are checked here.
"""

from __future__ import annotations

import http.client
import io
import os
import re
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from typing_extensions import Self

from radops.errors import RemoteRefusedError, RemoteUnavailableError, UsageError
from radops.lake.content_encoding import decoder_of
from radops.redact import strip_url

if TYPE_CHECKING:
    import socket
    from types import TracebackType

    from typing_extensions import Buffer

    from radops.lake.content_encoding import Decoder

_SILENCE_SECONDS = 20.0
_HEAD_SECONDS = 30.0
_HEAD_BYTES = 256 << 10
# A body that brings less than this in a minute is abandoned: it would block the command for ever.
_RATE_SECONDS = 60.0
_RATE_BYTES = 16 << 10
# What may come in besides the bytes asked for: sizes of chunks, their extensions, and a trailer.
_OVERHEAD = 16
_SPARE_BYTES = 1 << 20
_PACKED_BYTES = 32 << 10
_MOST_REDIRECTS = 10

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# RFC 3986, characters of a path and of a query beside letters, digits and `-._~`.
_IN_PATH = "/:@!$&'()*+,;=%"
_IN_QUERY = _IN_PATH + "?"


class HttpSource:
    """The body of an answer, decoded.

    Args:
        response: The answer, with status 200.
        shown: The URL for messages.
        name: The name of the file, which shows whether a gzip encoding is part of it.
    """

    def __init__(self, response: http.client.HTTPResponse, shown: str, name: str) -> None:
        self._response = response
        self._shown = shown
        self.size = _length(response, shown)
        """Bytes that come over the network; None where the server does not say."""
        self.received = 0
        """Bytes that have come over the network."""
        self.content_type = response.headers.get_content_type()
        self._decoder: Decoder | None = decoder_of(
            response.headers.get_all("Content-Encoding") or [], shown, name
        )
        self._over = False

    def read(self, size: int, /) -> bytes:
        """Return some decoded bytes, up to about `size`; none at the end.

        Raises:
            RemoteUnavailableError: The transfer broke off, or is too slow.
        """
        while not self._over:
            # Compressed bytes can become a thousand times as many.
            data = self._receive(size if self._decoder is None else min(size, _PACKED_BYTES))
            if data:
                self.received += len(data)
                decoded = data if self._decoder is None else self._decoder.decode(data)
            else:
                self._over = True
                if self.size is not None and self.received != self.size:
                    raise RemoteUnavailableError(
                        f"{self._shown} broke off: {self.received:,} of {self.size:,} bytes came",
                        hint="try again",
                    )
                decoded = b"" if self._decoder is None else self._decoder.finish()
            if decoded:
                return decoded
        return b""

    def _receive(self, size: int) -> bytes:
        try:
            if isinstance(self._response, _Response):
                self._response.limits.allow(size)
            return self._response.read(size)
        except (http.client.HTTPException, OSError, ValueError, OverflowError) as error:
            raise RemoteUnavailableError(
                f"{self._shown} broke off: {_reason(error)}", hint="try again"
            ) from error

    def __enter__(self) -> Self:
        """Return the source itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Close the connection."""
        self._response.close()


def open_http(url: str, name: str) -> HttpSource:
    """Ask a web server for a file.

    Args:
        url: `http` or `https`. Spaces and letters outside ASCII are encoded by RFC 3986; what is
            encoded already is left.
        name: The name of the file.

    Raises:
        UsageError: The URL cannot be used.
        RemoteUnavailableError: The server cannot be reached, or answers with something that is not
            HTTP.
        RemoteRefusedError: The server has no such file for us.
    """
    url = _encoded(url)
    opener = urllib.request.build_opener(_Http, _Https, _EveryStatus)
    for _ in range(_MOST_REDIRECTS):
        shown = strip_url(url)
        response = _ask(opener, url, shown)
        try:
            target = _redirect(response, url, shown)
            if target is None:
                _check_status(response, shown)
                return HttpSource(response, shown, name)
        except BaseException:
            response.close()
            raise
        response.close()
        url = target
    raise RemoteRefusedError(f"{strip_url(url)} redirects too often")


def _encoded(url: str) -> str:
    """Return a URL as it goes over the network.

    Raises:
        UsageError: It has a user, no host, or a port that is none.
    """
    shown = strip_url(url)
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host.encode("idna").decode()
    except (ValueError, UnicodeError):
        # The text of the error repeats what it took for a port, which can be a password.
        raise UsageError(f"{shown} is not a URL: its host or port cannot be read") from None
    if "@" in parts.netloc:
        raise UsageError(f"{shown} carries a user or password", hint="no secret goes into a URL")
    if not host:
        raise UsageError(f"{shown} names no host")
    place = host if port is None else f"{host}:{port}"
    path = quote(_ESCAPE.sub("%25", parts.path), safe=_IN_PATH) or "/"
    query = quote(_ESCAPE.sub("%25", parts.query), safe=_IN_QUERY)
    return f"{parts.scheme.lower()}://{place}{path}{'?' if query else ''}{query}"


def _ask(opener: urllib.request.OpenerDirector, url: str, shown: str) -> http.client.HTTPResponse:
    headers = {"User-Agent": "radops", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http and https only
    try:
        response: http.client.HTTPResponse = opener.open(request, timeout=_SILENCE_SECONDS)
    except urllib.error.URLError as error:
        raise RemoteUnavailableError(
            f"{shown} cannot be reached: {_reason(error.reason)}", hint=_hint(error.reason)
        ) from None
    except http.client.InvalidURL:
        raise UsageError(f"{shown} is not a URL that can be read") from None
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise RemoteUnavailableError(f"{shown} cannot be read: {_reason(error)}") from None
    return response


def _reason(error: object) -> str:
    """Return what went wrong in words, without the number that the system gives it."""
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return error.strerror or os.strerror(error.errno)
    return str(error) or type(error).__name__


def _hint(reason: object) -> str | None:
    if isinstance(reason, ConnectionRefusedError):
        return "nothing listens there: check the host and the port"
    if "CERTIFICATE" in str(reason).upper():
        return "a certificate of your own goes into SSL_CERT_FILE"
    return None


def _redirect(response: http.client.HTTPResponse, url: str, shown: str) -> str | None:
    """Return where an answer sends to; None if it is no redirect.

    Raises:
        RemoteRefusedError: It sends from https to a connection that others can read or change.
    """
    if response.status not in {301, 302, 303, 307, 308}:
        return None
    location = response.headers.get("Location")
    if not location:
        raise RemoteRefusedError(f"{shown} redirects without saying where to")
    try:
        # A server may send bytes that are not ASCII; they come as Latin-1.
        target = urljoin(url, location.encode("latin-1").decode("utf-8", "replace"))
        before, after = urlsplit(url).scheme, urlsplit(target).scheme.lower()
    except ValueError:
        raise RemoteRefusedError(f"{shown} redirects to what is not a URL") from None
    if after not in {"http", "https"} or (before == "https" and after != "https"):
        raise RemoteRefusedError(
            f"{shown} redirects from {before} to {after or 'nothing'}, which is not followed",
            hint="if the other place can be trusted, give its URL",
        )
    try:
        return _encoded(target)
    except UsageError:
        raise RemoteRefusedError(f"{shown} redirects to a URL that cannot be used") from None


def _check_status(response: http.client.HTTPResponse, shown: str) -> None:
    status = response.status
    if status in {200, 203}:
        return
    text = f"{shown} answered {status} {response.reason}".rstrip()
    if status >= 500 or status in {408, 429}:
        raise RemoteUnavailableError(text, hint="try again later")
    if status == 206:
        raise RemoteRefusedError(f"{text}, a part of the file instead of the whole")
    hint = "it needs a login" if status in {401, 403, 407} else None
    raise RemoteRefusedError(text if status >= 400 else f"{text}, without a file", hint=hint)


def _length(response: http.client.HTTPResponse, shown: str) -> int | None:
    """Return how many bytes an answer declares.

    Raises:
        RemoteUnavailableError: It declares something else than one number.
    """
    codings = response.headers.get_all("Transfer-Encoding")
    if codings:
        if [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise RemoteUnavailableError(f"{shown} answered with an unknown Transfer-Encoding")
        return None
    declared = {
        text.strip()
        for header in response.headers.get_all("Content-Length") or []
        for text in header.split(",")
    }
    if not declared:
        return None
    text = declared.pop()
    if declared or not _LENGTH.fullmatch(text):
        raise RemoteUnavailableError(f"{shown} answered with a malformed Content-Length")
    return int(text)


class _Limits(io.RawIOBase):
    """The bytes of a connection, until they are too many or come too slowly."""

    def __init__(self, connection: socket.socket, raw: Any) -> None:  # noqa: ANN401 - SocketIO
        super().__init__()
        self._connection = connection
        self._raw = raw
        self._in_head = True
        self._began = time.monotonic()
        self._allowed = _HEAD_BYTES
        self._received = 0

    def allow(self, size: int) -> None:
        """Begin a read of the body: let so many bytes come, and what HTTP adds to them."""
        if self._in_head:
            self._in_head = False
            self._began, self._received = time.monotonic(), 0
        self._allowed = _OVERHEAD * size + _SPARE_BYTES

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Buffer, /) -> int | None:
        """Receive some bytes.

        Raises:
            TimeoutError: They come too slowly.
            OSError: They are too many.
        """
        passed = time.monotonic() - self._began
        wait = _SILENCE_SECONDS
        if self._in_head:
            wait = min(wait, _HEAD_SECONDS - passed)
            if wait <= 0:
                raise TimeoutError(f"no answer within {_HEAD_SECONDS:.0f} seconds")
        elif passed > _RATE_SECONDS:
            if self._received < _RATE_BYTES:
                raise TimeoutError(f"less than {_RATE_BYTES:,} bytes came in a minute")
            self._began, self._received = time.monotonic(), 0
        self._connection.settimeout(wait)
        count: int | None = self._raw.readinto(buffer)
        self._received += count or 0
        self._allowed -= count or 0
        if self._allowed < 0:
            raise OSError("its headers are too long" if self._in_head else "it is not HTTP")
        return count

    def close(self) -> None:
        """Close the connection."""
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer that is read within limits."""

    def __init__(self, connection: socket.socket, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as its base has them
        super().__init__(connection, *arguments, **named)
        self.fp.close()
        self.limits = _Limits(connection, connection.makefile("rb", buffering=0))
        self.fp = io.BufferedReader(self.limits)


class _HttpConnection(http.client.HTTPConnection):
    response_class = _Response


class _HttpsConnection(http.client.HTTPSConnection):
    response_class = _Response


class _Http(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpConnection, request)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpsConnection, request)


class _EveryStatus(urllib.request.HTTPErrorProcessor):
    """Hands out every answer as it is, also redirects and errors."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:  # noqa: ANN401, ARG002 - as its base has them
        return response

    https_response = http_response
