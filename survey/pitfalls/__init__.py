"""What an edit breaks, measured: benchmarks, metrics and runs."""
