"""Directories in a repository: the objects that they consist of."""
