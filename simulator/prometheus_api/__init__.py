"""Prometheus's HTTP API over the simulated samples: the same paths, parameters, envelopes and error sentences."""
