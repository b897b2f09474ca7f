"""What past troubles taught: a case for each, written when it ended, put right and judged by people, and found when something like it
comes.

`case` says what a case holds and `lesson` what it is made of; `telling` words it, `matching` compares (pure, over traits), `records`
keeps it in SQL, `book` is the one face of all this, and `tools` offers it to the agent and to MCP.
"""
