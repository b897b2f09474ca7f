"""The door for models and IDEs: every tool over MCP, one server object for stdio, streamable HTTP and the agent in process."""
