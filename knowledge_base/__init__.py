"""What the team has written down, found again when it is needed.

Files are found (`folder`), read whatever they are written in (`formats`, `parse`), cut at their headings (`split`), turned into terms
and vectors (`segment`, `embed`), kept in the database (`store`) and searched from memory (`index`, `search`). `knowledge.Knowledge` is
the one face of all this, and `tools.KnowledgeTools` offers it to the agent.
"""
