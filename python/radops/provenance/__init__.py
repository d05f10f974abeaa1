"""Looking at the user's code: its place, its syntax, and what it reaches."""
