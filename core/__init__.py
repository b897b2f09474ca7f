"""What every room stands on: settings, clock, database, errors, language, logs, metrics, secrets and redaction.

The list of files here is closed by a test. A thing belongs in core only when three rooms need it and it knows none of them.
"""
