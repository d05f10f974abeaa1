"""What can go wrong between a client and an S3 server; see `FaultProxy.inject`."""

from __future__ import annotations

from dataclasses import dataclass

# Faults. Those that forward a request change what comes back, the others never reach the server.


@dataclass(frozen=True)
class Refuse:
    """Reset the connection before anything is read of the body."""


@dataclass(frozen=True)
class Stall:
    """Take the request, never answer."""

    seconds: float = 3600


@dataclass(frozen=True)
class Delay:
    """Answer late."""

    seconds: float


@dataclass(frozen=True)
class Answer:
    """Answer with an error of the server's instead of asking it."""

    status: int
    code: str = ""
    retry_after: str | None = None


@dataclass(frozen=True)
class Reply:
    """Answer with these headers and this body instead of asking the server."""

    status: int
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Raw:
    """Answer with these bytes as they are instead of asking the server, then close.

    `more` is sent after them again and again, until the client has had enough.
    """

    head: bytes
    more: bytes = b""
    pause: float = 0
    """Seconds before each `more`."""


@dataclass(frozen=True)
class CutUpload:
    """Reset the connection after so many bytes of the request's body; the server sees it cut."""

    after: int


@dataclass(frozen=True)
class StallUpload:
    """Take no more of the request's body after so many bytes, for some time; then go on."""

    after: int
    seconds: float


@dataclass(frozen=True)
class FlipUpload:
    """Flip a bit of the byte at that place in the request's body."""

    at: int


@dataclass(frozen=True)
class Cut:
    """Close the connection after so many bytes of the answer's body."""

    after: int


@dataclass(frozen=True)
class Drip:
    """Answer slowly: pause before each piece of so many bytes, but never stop."""

    size: int
    seconds: float


@dataclass(frozen=True)
class Truncate:
    """Answer with fewer bytes, and a Content-Length that agrees."""

    to: int


@dataclass(frozen=True)
class Flip:
    """Flip a bit of the byte at that place in the answer's body."""

    at: int


@dataclass(frozen=True)
class DropReply:
    """Have the request done, then close the connection without a word."""


@dataclass(frozen=True)
class IgnoreIfNoneMatch:
    """Do as servers do that do not know the condition: leave it out."""


Fault = (
    Refuse
    | Stall
    | Delay
    | Answer
    | Reply
    | Raw
    | CutUpload
    | StallUpload
    | FlipUpload
    | Cut
    | Drip
    | Truncate
    | Flip
    | DropReply
    | IgnoreIfNoneMatch
)
