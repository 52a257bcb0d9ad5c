"""How fast recsim is, measured beside references in the same run: ``python -m benchmarks``, or ``make bench``.

NumPy's products get one thread, as the compiled code beside them has; this must be said before NumPy is imported.
"""

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
