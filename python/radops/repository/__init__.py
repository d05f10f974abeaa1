"""Verified objects, slots and edges on one backend, or two to synchronise."""
