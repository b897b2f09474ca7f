"""How long the records of alerts are kept, and how what is past its time goes without getting in anybody's way."""
