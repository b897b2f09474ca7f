"""Repair as a transaction: propose, approve, apply, verify, undo, and a ledger of all of it."""
