"""What people ask of a lake: add, open, list, delete, verify, synchronise."""
