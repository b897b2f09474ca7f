"""The web console: one page over the same house as every other door, in Python alone, with no build step and no outside request."""
