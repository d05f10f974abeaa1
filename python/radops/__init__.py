"""radops: a content-addressed data lake for people who train models."""
