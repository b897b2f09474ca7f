"""Whom to tell next when nobody has reacted: steps by time, and rotas that say whose turn it is."""
