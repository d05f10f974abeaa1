"""Dumb stores of bytes by key: memory, folder, S3."""
