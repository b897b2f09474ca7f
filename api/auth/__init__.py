"""Who is at the door: bearer tokens, one-time links for the console, and the roles behind them."""
