"""Synchronising a home with its remote."""
