"""Pure engines: values in, verdicts out. No clock, no network, no database, no settings, and an import rule that says so."""
