"""Signing a request again after the proxy removed a header (signature version 4)."""

from __future__ import annotations

import hashlib
import hmac
import re

Headers = list[tuple[str, str]]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request, ?"
    r"SignedHeaders=([^,]+), ?Signature=[0-9a-f]+"
)


def without_header(
    dropped: str, method: str, target: str, headers: Headers, secret: str
) -> Headers:
    """Return the headers without one of them, under a signature that the server accepts."""
    kept = [(name, value) for name, value in headers if name.lower() != dropped]
    values = {name.lower(): " ".join(value.split()) for name, value in kept}
    match = _AUTHORIZATION.fullmatch(values.get("authorization", ""))
    if match is None:
        return kept
    access, day, region, service, signed = match.groups()
    names = [name for name in signed.split(";") if name != dropped]
    path, _, query = target.partition("?")
    pairs = sorted(part.partition("=")[::2] for part in query.split("&") if part)
    canonical = "\n".join(
        [
            method,
            path,
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{values[name]}" for name in names),
            "",
            ";".join(names),
            values["x-amz-content-sha256"],
        ]
    )
    scope = f"{day}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{values['x-amz-date']}\n{scope}\n{digest}"
    key = f"AWS4{secret}".encode()
    for word in (day, region, service, "aws4_request", text):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={access}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={key.hex()}"
    )
    return [
        (name, authorization if name.lower() == "authorization" else value) for name, value in kept
    ]
