"""Directories as people use them: names of inner files, reading, comparing, editing, checkouts."""
