"""Benchmarks of the goals in docs/performance.md; `python -m bench` runs them."""
