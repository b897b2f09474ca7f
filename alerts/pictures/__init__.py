"""A chart of what an alert's rule measures, as a picture beside its message: settled with it, painted once, the same ever after."""
