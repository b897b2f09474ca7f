"""The mind: a LangGraph supervisor whose only hands are an MCP client, with models and an offline planner behind one face."""
