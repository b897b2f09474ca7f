"""What the exporters of a cluster show: kube-state-metrics, cAdvisor, node-exporter and the programs' own instrumentation."""
