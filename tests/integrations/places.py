"""What the tests of integrations read from a bucket."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from servers.proxy import FaultProxy

MIB = 1024 * 1024
LARGE = random.Random(2).randbytes(17 * MIB + 5)


def fetched(proxy: FaultProxy) -> int:
    """Return how many bytes of objects were sent."""
    return sum(request.sent for request in proxy.matching("GET", "/objects/"))
