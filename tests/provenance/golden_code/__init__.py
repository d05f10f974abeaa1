"""Code whose fingerprints are pinned: it must never change."""
