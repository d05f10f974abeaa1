"""boto3 clients of one bucket: made when first needed, and anew in every process."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, SSLError
from botocore.parsers import ResponseParserError

from radops.backends.forking import renew_after_fork
from radops.backends.s3_errors import translate
from radops.backends.s3_time import parse_time
from radops.errors import InvalidConfigError, RadopsError, RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

    from radops.backends.options import RemoteOptions
    from radops.backends.s3_body import GuardedBody

T = TypeVar("T")

_ATTEMPTS = 7  # by the standard mode's backoff some 3 s for failing, 60 s for throttling servers
_UNREACHABLE_ATTEMPTS = 3  # when not even a connection comes about


class Timeouts(NamedTuple):
    """How long to wait for a server, in seconds.

    With the defaults an endpoint that cannot be reached, or accepts and never answers, is given
    up within 20 s: no retry begins later than `read` + 1 s after the call. For a large part it is
    `transfer` + 1 s after the server last took bytes that it had not taken before.
    """

    connect: float = 5.0
    read: float = 8.0
    """For all requests that carry little. SeaweedFS takes 5 s to decide among 16 creators."""
    transfer: float = 60.0
    """For parts of large objects, and for copies, which a server may have to write out first: how
    long it may take no more bytes, or not answer."""


class Clients:
    """Calls of one bucket, their errors translated. Thread-safe, also after a fork.

    Args:
        where: The store, for messages.
        options: How to reach it.
        timeouts: How long to wait.
        max_connections: How many calls run at once.

    """

    def __init__(
        self, where: str, options: RemoteOptions, timeouts: Timeouts, max_connections: int
    ) -> None:
        self._where = where
        self._options = options
        self._timeouts = timeouts
        self._max_connections = max_connections
        self._call = _Call()
        self._lock = threading.Lock()
        self._session: boto3.session.Session | None = None
        self._clients: dict[bool, S3Client] = {}
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Forget the parent's clients: their connections and locks are the parent's."""
        self._call = _Call()
        self._lock = threading.Lock()
        self._session = None
        self._clients = {}

    def call(
        self,
        request: Callable[[S3Client], T],
        *,
        key: str | None = None,
        body: GuardedBody | None = None,
        transfer: bool = False,
    ) -> T:
        """Run one request, with botocore's standard retries.

        Args:
            request: Calls one method of the client.
            key: Makes an answer "no such key" a `KeyNotFoundError`.
            body: What is sent, if it can raise: then its error comes out as it is.
            transfer: Whether the answer may take as long as writing a large object does.

        """
        try:
            client = self._client(transfer=transfer)
            timeout = self._timeouts.transfer if transfer else self._timeouts.read
            self._call.patience = timeout + 1
            self._call.began = time.monotonic()
            self._call.body = body
            return request(client)
        except (BotoCoreError, ClientError) as error:
            if body is not None and body.error is not None:
                raise body.error from None
            raise self.translate(error, key) from error
        except ResponseParserError as error:
            raise RemoteUnavailableError(f"{self._where} answers with something else") from error
        except Exception:
            if body is not None and body.error is not None:
                raise body.error from None
            raise
        finally:
            self._call.body = None

    def translate(self, error: BotoCoreError | ClientError, key: str | None = None) -> Exception:
        """Return what an error of botocore means."""
        return translate(error, self._where, key=key, secrets=self._secrets())

    def close(self) -> None:
        """Close all connections. A later call opens new ones."""
        with self._lock:
            clients, self._clients = self._clients, {}
            self._session = None
        for client in clients.values():
            client.close()

    def _client(self, *, transfer: bool) -> S3Client:
        client = self._clients.get(transfer)
        if client is None:
            with self._lock:  # making sessions and clients is not thread-safe; using them is
                client = self._clients.get(transfer)
                if client is None:
                    client = self._clients[transfer] = self._make(transfer=transfer)
        return client

    def _make(self, *, transfer: bool) -> S3Client:
        options = self._options
        if options.ca_bundle is not None and not Path(options.ca_bundle).is_file():
            raise InvalidConfigError(f"ca_bundle: there is no file {options.ca_bundle}")
        if self._session is None:
            core = botocore.session.Session()
            core.get_component("response_parser_factory").set_parser_defaults(
                timestamp_parser=parse_time
            )
            self._session = boto3.session.Session(
                profile_name=options.profile, region_name=options.region, botocore_session=core
            )
        config = Config(
            signature_version="s3v4",
            # urllib3 sends by the timeout for connecting: a server that writes to a busy disk may
            # take nothing for longer. See test_a_server_that_takes_a_part_slowly_is_waited_for.
            connect_timeout=self._timeouts.transfer if transfer else self._timeouts.connect,
            read_timeout=self._timeouts.transfer if transfer else self._timeouts.read,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            max_pool_connections=self._max_connections,
            # radops sends its own CRC-32 with every body, in a header. Left to itself botocore
            # sends it after the body over TLS, which not every server understands: Ceph 16
            # answers MissingContentLength.
            request_checksum_calculation="when_required",
            s3={"addressing_style": _addressing_style(options)},
            # What is sent was checked before: by types, and by who makes keys. Checking it again
            # and putting together who we are is a tenth of a small request.
            parameter_validation=False,
            user_agent="radops",
        )
        try:
            client = self._session.client(
                "s3",
                endpoint_url=options.endpoint_url,
                verify=options.ca_bundle,
                config=config,
            )
        except ValueError as error:  # what botocore thinks of an endpoint
            raise InvalidConfigError(f"the remote cannot be used: {error}") from error
        client.meta.events.register_last("before-send.s3", self._begin_to_send)
        client.meta.events.register_first("needs-retry.s3", self._give_up_in_time)
        client.meta.events.register_last("before-call.s3", self._send_small_at_once)
        client.meta.events.register_first("before-parse.s3", _refuse_short_answer)
        return client

    def _send_small_at_once(self, params: dict[str, Any], **_: object) -> None:
        """Leave out `Expect: 100-continue`, which costs a round trip, where it saves nothing."""
        if self._call.body is None:
            params["headers"].pop("Expect", None)

    def _begin_to_send(self, **_: object) -> None:
        """Have the body told from now on that what it gives goes out: before, it was signed."""
        if self._call.body is not None:
            self._call.body.begin()

    def _give_up_in_time(
        self,
        attempts: int,
        operation: Any,  # noqa: ANN401
        response: tuple[Any, Any] | None = None,
        caught_exception: BaseException | None = None,
        **_: object,
    ) -> None:
        """End retries that cannot help, or not in the time that a person waits.

        Raised here, an error leaves botocore's loop of retries; there is no other way to bound
        it in time.
        """
        body = self._call.body
        if body is not None and body.error is not None:
            raise body.error
        since = self._call.began if body is None else max(self._call.began, body.advanced)
        late = time.monotonic() > since + self._call.patience
        if caught_exception is not None:
            unreachable = isinstance(caught_exception, EndpointConnectionError)
            if (
                late
                or (unreachable and attempts >= _UNREACHABLE_ATTEMPTS)
                or (isinstance(caught_exception, SSLError) and "certif" in str(caught_exception))
            ):
                raise caught_exception
        elif response is not None and late:
            parsed = response[1]
            status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status >= 500 or status == 429:
                raise ClientError(parsed, operation.name)

    def _secrets(self) -> list[str]:
        if self._session is None:
            return []
        with contextlib.suppress(BotoCoreError, RadopsError):
            credentials = self._session.get_credentials()
            if credentials is not None:
                frozen = credentials.get_frozen_credentials()
                return [text for text in (frozen.secret_key, frozen.token) if text]
        return []


def _refuse_short_answer(
    operation_model: Any,  # noqa: ANN401
    response_dict: dict[str, Any],
    **_: object,
) -> None:
    """Have an answer that was cut off tried again.

    botocore takes it as it is: the beginning of a listing that was cut before its first byte
    would be a bucket without keys. See test_a_listing_that_is_cut_is_no_shorter_listing.
    """
    if operation_model.http.get("method") == "HEAD":
        return  # announces a body that it does not have
    body = response_dict["body"]
    announced = response_dict["headers"].get("content-length")
    if isinstance(body, bytes) and announced is not None and len(body) < int(announced):
        response_dict.update(status_code=500, body=b"")


class _Call(threading.local):
    """The call that a thread is in."""

    began: float = 0.0
    """On the monotonic clock."""
    patience: float = 0.0
    """Seconds without progress, after which no retry begins."""
    body: GuardedBody | None = None
    """What is being sent, if it can raise."""


def _addressing_style(options: RemoteOptions) -> Any:  # noqa: ANN401 - a literal of the stubs
    """Return how to name the bucket: in the path for all servers that are not Amazon's.

    They seldom have a domain name for each bucket.
    """
    if options.addressing_style is not None:
        return options.addressing_style
    host = urlsplit(options.endpoint_url or "").hostname
    return "path" if host and not host.endswith(".amazonaws.com") else "auto"
