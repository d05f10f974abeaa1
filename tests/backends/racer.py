"""A process that creates the keys it reads from its input, and says which it won."""

from __future__ import annotations

import os
import sys

from radops.backends.open import open_backend

backend = open_backend(sys.argv[1])
for line in sys.stdin:
    won = backend.create([(line.strip(), str(os.getpid()).encode())])[0]
    print(f"{os.getpid()} {int(won)}", flush=True)
