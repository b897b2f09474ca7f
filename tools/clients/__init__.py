"""The only place that leaves the building: a cluster's API server and Prometheus, each behind one small typed client."""
