"""Pure values and formats of the lake: no input or output."""
