"""From changed alerts to delivered messages: grouping, the pipeline of decisions, the outbox, the channels."""
