"""Past cases of an estate, and troubles that come later: whether the case that is meant is found, and first."""
