"""Statements about pages, each known to be supported by them or not, and what the checker makes of them."""
