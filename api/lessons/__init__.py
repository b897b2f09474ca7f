"""From incidents to lessons: the wire between the alerts, the repairs and the knowledge base, which do not know each other."""
