"""What the README and docs claim, measured: ``python -m benchmarks.<name>`` prints it for your machine."""
