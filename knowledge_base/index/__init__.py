"""Where passages are found: one port, and the indexes behind it."""
