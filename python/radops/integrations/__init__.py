"""Other libraries on a lake, each optional and each over the public API only.

A module here is named after its library, and importing it imports that library.
"""
