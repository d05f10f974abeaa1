"""The protocols, explored: real code of several clients, every order of their operations."""
