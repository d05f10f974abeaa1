"""The lake in a browser: `radops ui`. Over the public API, on this machine only, read-only."""
