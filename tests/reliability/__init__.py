"""Faults that the lake survives: crashes, power loss, bad remotes, bad disks, crowds, fuzz."""
