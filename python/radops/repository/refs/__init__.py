"""Names: slots, records, commits, leases and pending results."""
