"""The numbers behind each figure of a run, as one table each."""

from __future__ import annotations

import pandas as pd

from recsim.audit.cells import printable
from recsim.audit.convergence import running
from recsim.experiment.result import Result
from recsim.experiment.summary import without_ads
from recsim.report.lorenz_figures import lorenz_points
from recsim.report.window_figures import windows_data
from recsim.state import STANCES


def data_of(result: Result, name: str) -> pd.DataFrame:
    """What a figure shows.

    Args:
        result: of a run.
        name: of a figure, as `recsim.report.figures.all_figures` names it.
    """
    if name == "shift":
        keep = ["candidate", "shift_pp", "ci_low", "ci_high", "luck_band_pp", "beneficiary"]
        return result.shift()[keep].assign(threshold_pp=result.summary["threshold_pp"])
    if name == "share_by_day":
        shifts = result.by("day")[["day", "candidate", "shift_pp", "ci_low", "ci_high"]]
        return result.daily().merge(shifts, on=["day", "candidate"], how="left")
    if name == "regions":
        return printable(result, "region")
    if name == "windows":
        return windows_data(result)
    if name == "tiles":
        tiles = result.scenario.population.tiles
        table = printable(result, "region").astype({"region": str})
        places = pd.DataFrame(
            [(region, *place) for region, place in tiles.items()], columns=["region", "row", "column"]
        )
        return table[table["candidate"].isin(result.summary["beneficiaries"])].merge(places, on="region", how="left")
    if name == "convergence":
        return running(result)
    if name == "lorenz":
        points = lorenz_points(result)
        assert points is not None
        return points
    if name == "stances":
        return result.shift()[["candidate", *(f"shift_{stance}_pp" for stance in STANCES)]]
    if name == "activity":
        return _activity(result)
    if name == "robustness":
        assert result.robustness is not None
        return result.robustness
    if name == "opinion":
        effects = result.summary["opinion"]["effects"]
        return pd.DataFrame([{k: v for k, v in e.items() if k != "candidates"} | row for e in effects for row in e["candidates"]])  # fmt: skip
    raise KeyError(name)


def _activity(result: Result) -> pd.DataFrame:
    """Counted actions a day by campaign and excess views a day by beneficiary, real units."""
    runs = result.summary["replicates"] * result.summary["luck_branches"] * result.scenario.population.scale
    table = result.frames["campaigns"]
    table = without_ads(table[table["arm"].astype(str) == "factual"]).astype({"campaign": str})
    counted = table.groupby(["day", "campaign"])["counted"].sum().reset_index()
    rows = [pd.DataFrame({"day": counted["day"], "of": counted["campaign"], "figure": "counted_actions", "value": counted["counted"] / runs})]  # fmt: skip
    daily = result.daily()
    for name in result.summary["beneficiaries"]:
        wide = daily[daily["candidate"] == name].pivot_table(index="day", columns="arm", values="impressions", observed=True)  # fmt: skip
        if {"factual", "counterfactual"} <= set(wide.columns):
            excess = (wide["factual"] - wide["counterfactual"]).dropna()
            rows.append(pd.DataFrame({"day": excess.index, "of": name, "figure": "excess_views", "value": excess.to_numpy()}))  # fmt: skip
    return pd.concat(rows, ignore_index=True)
