"""Which declared range goes with the shift: rank correlations over replicates. Exploratory; a study is what answers it."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsim.audit.procedures import benjamini_hochberg
from recsim.experiment.result import Result
from recsim.experiment.summary import ENOUGH, with_a_share
from recsim.scenario import quantities


def draw_correlations(result: Result) -> list[dict[str, Any]]:
    """Spearman's rank correlation of the shift with every drawn value in use, the largest first.

    Args:
        result: of a run.

    Returns:
        One row per beneficiary and key: ``id``, ``key``, ``rank_correlation`` (-1 to 1), ``p`` (two-sided, by Student's t),
        ``p_adjusted`` (Benjamini-Hochberg over all rows), ``replicates``. None with fewer than `ENOUGH` replicates with a share:
        of few the largest of many correlations is large by luck.
    """
    drawn, unused = result.draws(), {q["key"] for q in quantities(result.scenario) if not q["in_use"]}
    if with_a_share(result.summary) < ENOUGH or not len(drawn):
        return []
    from scipy.stats import spearmanr

    values = drawn[~drawn["key"].isin(unused)].pivot(index="replicate", columns="key", values="value")
    shifts = result.by_replicate().pivot(index="replicate", columns="candidate", values="shift_pp").loc[values.index]
    rows: list[dict[str, Any]] = []
    for name in result.summary["beneficiaries"]:
        shift = shifts[name].to_numpy(float)
        for key in values.columns:
            x = values[key].to_numpy(float)
            known = ~np.isnan(shift) & ~np.isnan(x)
            if known.sum() < ENOUGH or np.ptp(x[known]) == 0 or np.ptp(shift[known]) == 0:
                continue
            found = spearmanr(x[known], shift[known])
            rows.append(
                {"id": name, "key": str(key), "rank_correlation": float(found.statistic), "p": float(found.pvalue), "replicates": int(known.sum())}
            )  # fmt: skip
    for row, p in zip(rows, benjamini_hochberg(np.array([row["p"] for row in rows])), strict=True):
        row["p_adjusted"] = float(p)
    return sorted(rows, key=lambda row: (-abs(row["rank_correlation"]), row["id"], row["key"]))
