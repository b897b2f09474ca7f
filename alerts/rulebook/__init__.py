"""Rules that people write here rather than in files: defined, versioned, tried on the past, and evaluated like any other."""
