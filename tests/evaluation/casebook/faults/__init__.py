"""The ways in which faults come about, one family of the catalogue a file."""
