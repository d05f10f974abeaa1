"""Searching the names of a lake, with what is known of each."""
