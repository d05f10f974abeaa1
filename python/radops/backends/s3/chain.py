"""What is left to botocore: the whole chain of credentials, profiles, endpoints, signed URLs.

botocore is imported when one of them is needed.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from radops.backends.forking import renew_after_fork
from radops.backends.s3.place import addressing_style
from radops.errors import InvalidConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

    from radops.backends.location import RemoteOptions
    from radops.backends.s3.place import Keys

T = TypeVar("T")


class Chain:
    """A session of botocore with a profile. Thread-safe.

    Args:
        where: The store's URL, for messages.
        options: How to reach it.
    """

    def __init__(self, where: str, options: RemoteOptions) -> None:
        self._where = where
        self._options = options
        self._lock = threading.RLock()
        self._session: Any = None
        self._s3: S3Client | None = None
        self._given: Keys | None = None
        self.secrets: tuple[str, ...] = ()
        """Texts that no message may hold."""
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Forget the parent's session and its locks."""
        self._lock = threading.RLock()
        self._session = self._s3 = None

    def renew(self, keys: Keys) -> None:
        """Sign URLs with keys that were replaced since they were last read."""
        with self._lock:
            self._session = self._s3 = None
        self.note(keys)

    def note(self, keys: Keys) -> None:
        """Keep the secrets out of messages from now on."""
        self.secrets = tuple(text for text in keys[1:3] if text)

    def place(self) -> tuple[str, str | None, str | None]:
        """Return the endpoint, the region, and the file of certificates to trust."""

        def look() -> tuple[str, str | None, str | None]:
            meta = self._client().meta
            region = None if meta.region_name == "aws-global" else meta.region_name
            bundle = self._options.ca_bundle or self._session.get_config_variable("ca_bundle")
            return meta.endpoint_url, region, bundle

        return self._translated(look)

    def keys(self) -> Keys:
        """Return keys that are valid now, renewed where they expire soon.

        Raises:
            RemoteRefusedError: There are none, or what gives them failed.
            RemoteUnavailableError: What gives them cannot be reached.
        """

        def fetch() -> Keys:
            from botocore.exceptions import NoCredentialsError  # noqa: PLC0415  see above

            self._client()
            found = self._session.get_credentials()
            if found is None:
                raise NoCredentialsError
            frozen = found.get_frozen_credentials()
            expires = getattr(found, "_expiry_time", None)
            if not frozen.access_key or not frozen.secret_key:
                raise NoCredentialsError
            end = None if expires is None else expires.timestamp()
            return frozen.access_key, frozen.secret_key, frozen.token, end

        with self._lock:
            keys = self._translated(fetch)
        self.note(keys)
        return keys

    def new_keys(self) -> Keys:
        """Return keys as `keys` does; from the second time on, files are read again for them.

        Raises:
            RemoteRefusedError: There are none, or what gives them failed.
            RemoteUnavailableError: What gives them cannot be reached.
        """
        with self._lock:
            # Of keys that botocore renews by itself it knows when they expire.
            if self._given is not None and self._given[3] is None:
                self._session = self._s3 = None
            self._given = self.keys()
            return self._given

    def presign(self, bucket: str, key: str, seconds: int, disposition: str | None) -> str:
        """Return a URL by which anyone can read a key for so many seconds.

        Raises:
            UsageError: The keys expire sooner, and the URL would with them.
            RemoteRefusedError: There are no keys, or what gives them failed.
        """
        expires = self.keys()[3]
        most = seconds if expires is None else int(expires - time.time())
        if seconds > most:
            raise UsageError(
                f"a URL cannot be signed for {seconds} seconds, as the keys expire before",
                hint=f"at most {most} seconds, or use keys that last longer",
            )
        parameters = {"Bucket": bucket, "Key": key}
        if disposition is not None:
            parameters["ResponseContentDisposition"] = disposition
        return self._translated(
            lambda: self._client().generate_presigned_url(
                "get_object", parameters, ExpiresIn=seconds
            )
        )

    def _translated(self, work: Callable[[], T]) -> T:
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415  see above

        from radops.backends.s3.chain_errors import translate  # noqa: PLC0415  imports botocore

        try:
            return work()
        except BotoCoreError as error:
            raise translate(error, self._where, self.secrets) from error

    def _client(self) -> S3Client:
        with self._lock:  # making sessions and clients is not thread-safe; using them is
            if self._s3 is None:
                self._s3 = self._make()
            return self._s3

    def _make(self) -> S3Client:
        import botocore.session  # noqa: PLC0415  see above

        options = self._options
        self._session = botocore.session.Session(profile=options.profile)
        try:
            client = self._with_style(addressing_style(options.addressing_style, None))
            # The endpoint may be known to botocore only, from the environment or the profile.
            style = addressing_style(options.addressing_style, client.meta.endpoint_url)
            return self._with_style(style)
        except ValueError as error:  # what botocore thinks of an endpoint
            raise InvalidConfigError(f"the remote cannot be used: {error}") from error

    def _with_style(self, style: str) -> S3Client:
        from botocore.config import Config  # noqa: PLC0415  see above

        options = self._options
        return self._session.create_client(  # type: ignore[no-any-return]
            "s3",
            region_name=options.region,
            endpoint_url=options.endpoint_url,
            verify=options.ca_bundle,
            config=Config(signature_version="s3v4", s3={"addressing_style": style}),  # type: ignore[arg-type]
        )
