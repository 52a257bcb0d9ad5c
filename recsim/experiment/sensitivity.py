"""Global sensitivity by SALib: designs and indices of Morris (screening) and of Sobol (parts of the variance)."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsim.errors import InputError
from recsim.experiment.study import Study

LEVELS = 4
"""Of Morris's grid in each direction."""
RESAMPLES = 200
"""Of the bootstrap behind the intervals."""
METHODS = ("morris", "saltelli")


def _problem(axes: int) -> dict[str, Any]:
    return {"num_vars": axes, "names": [str(k) for k in range(axes)], "bounds": [[0.0, 1.0]] * axes}


def _salib(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"SALib.{module}")
    except ImportError:
        raise InputError(
            "needs the package SALib; pip install -c constraints.txt -e '.[sensitivity]'", "sample.method"
        ) from None


def points(method: str, n: int, axes: int, seed: int) -> np.ndarray:
    """(N, axes) points of the unit cube.

    Args:
        method: "morris": n trajectories of axes + 1 points (Morris 1991); "saltelli": n (axes + 2) points (Saltelli 2010).
        n: trajectories, or base points.
        axes: how many. seed: of the design.

    Raises:
        InputError: SALib is not installed.
    """
    if method == "morris":
        return np.asarray(_salib("sample.morris").sample(_problem(axes), n, num_levels=LEVELS, seed=seed))
    return np.asarray(_salib("sample.sobol").sample(_problem(axes), n, calc_second_order=False, seed=seed))


def indices(study: Study, shift: np.ndarray) -> dict[str, Any] | None:
    """How much each axis matters, with 95 % bootstrap half-widths over the design; None for other designs.

    Morris: mean of the absolute elementary effects ``mu_star`` (percentage points over the whole range), mean ``mu``,
    and their SD ``sigma`` (large: not linear, or interactions). Sobol: first-order ``s1`` and total ``st`` parts of the
    variance of the mean shift. With few replicates luck is part of that variance, and of every total index.

    Args:
        study: with its sample.
        shift: (cells,) mean shift of each, in percentage points; NaN anywhere leaves the indices undefined.
    """
    sample = study.sample
    if sample is None or sample.method not in METHODS:
        return None
    names = [axis.column for axis in study.axes]
    if np.isnan(shift).any() or np.ptp(shift) == 0:
        return {"method": sample.method, "undefined": True, "axes": []}
    problem = _problem(len(names))
    if sample.method == "morris":
        cube = points(sample.method, sample.n, len(names), study.seed)
        options = {"num_levels": LEVELS, "num_resamples": RESAMPLES, "seed": study.seed}
        found = _salib("analyze.morris").analyze(problem, cube, shift, **options)
        keys = {"mu_star": "mu_star", "mu_star_half_width": "mu_star_conf", "mu": "mu", "sigma": "sigma"}
    else:
        options = {"calc_second_order": False, "num_resamples": RESAMPLES, "seed": study.seed}
        found = _salib("analyze.sobol").analyze(problem, shift, **options)
        keys = {"s1": "S1", "s1_half_width": "S1_conf", "st": "ST", "st_half_width": "ST_conf"}
    rows = [{"axis": name, **{key: float(found[of][k]) for key, of in keys.items()}} for k, name in enumerate(names)]
    return {"method": sample.method, "undefined": False, "axes": rows}
