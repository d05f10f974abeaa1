"""List the names of the configured remote lake once, by the client that radops has."""

import os
import sys

from radops.backends.location import RemoteOptions
from radops.backends.open import open_backend

backend = open_backend(
    os.environ["RADOPS_REMOTE"], RemoteOptions(endpoint_url=os.environ["RADOPS_S3_ENDPOINT_URL"])
)
sys.stdout.write(f"{sum(1 for _ in backend.list('refs/'))}\n")
