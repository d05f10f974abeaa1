"""Objects of the home: verified bytes stored under their digests."""
