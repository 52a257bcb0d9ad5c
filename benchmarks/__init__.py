"""How fast recsim is, measured beside references in the same run: ``python -m benchmarks``, or ``make bench``."""
