"""Metrics of any origin, read into one form: what is measured, in which unit, of whom; and what the numbers say."""
