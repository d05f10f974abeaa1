"""The benchmark suite: data, measuring, peers, workloads, and the page that it writes."""
