"""The front desk: HTTP, WebSocket, MCP's door, the console and the command line, and the wiring that builds the house behind them."""
