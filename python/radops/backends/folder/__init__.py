"""A backend in a folder: the local home, or a shared folder used as a remote."""
