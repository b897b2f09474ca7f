"""The pages beside the conversation, one file each: alerts, silences, incidents, rules, routes."""
