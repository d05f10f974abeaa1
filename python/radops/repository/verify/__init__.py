"""Verification and repair of a home or a remote."""
