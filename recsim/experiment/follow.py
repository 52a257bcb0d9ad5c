"""Run a follow-graph scenario: the same session, folder, fingerprint and resuming as any run, its own summary."""

from __future__ import annotations

import contextlib
import dataclasses
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsim.errors import InputError
from recsim.experiment.executor import default_workers
from recsim.experiment.files import write_last
from recsim.experiment.folder import RunFolder, plain_errors, readable, verified, write_table, write_text
from recsim.experiment.run import source_digest
from recsim.experiment.summary import cleaned
from recsim.experiment.tasks import Progress, Session, Task, folder_path, joined
from recsim.metrics import interval
from recsim.scenario import dump_yaml, fingerprint, load_follow, realise
from recsim.scenario.follow import FollowScenario, highest_mean_rate, mean_rate
from recsim.world.follow_pair import COUNTERFACTUAL, FACTUAL, UNMODERATED, arms_of, follow_source, simulate_follow
from recsim.world.follow_plan import make_follow_plan

DELIVERIES_PER_SECOND = 5e7
"""Of one core, all phases; see docs/simsom.md."""
EDGES_PER_SECOND = 1.2e6
"""Of one core, drawing a graph."""
ILLEGAL = ("prevalence_posts", "prevalence_slots", "impressions", "reach", "unique_reshares", "reshares")


@dataclasses.dataclass
class FollowResult:
    """What a run leaves behind.

    Attributes:
        scenario: as resolved.
        frames: ``exposure``, ``steps``, ``illegal`` and ``smoothed``, all replicates.
        summary: the content of summary.json.
        folder: run directory, None if nothing was written.
        reused: whether the stored result of an earlier run was returned.
        notes: what happened on the way, one line each.
    """

    scenario: FollowScenario
    frames: dict[str, pd.DataFrame]
    summary: dict[str, Any]
    folder: Path | None = None
    reused: bool = False
    notes: list[str] = dataclasses.field(default_factory=list)

    def shift(self) -> pd.DataFrame:
        """One row per campaign: its share of people's feed slots, with interval, and of what they saw."""
        return pd.DataFrame(self.summary["campaigns"])

    @classmethod
    def load(cls, folder: str | Path) -> FollowResult:
        """A stored run.

        Raises:
            InputError: the folder holds no complete run, or a file is missing or was changed since it was written.
        """
        folder = Path(folder)
        with readable(folder, "run"):
            summary, manifest = verified(folder, "summary.json", "run")
            frames = {name: pd.read_parquet(folder / f"{name}.parquet") for name in manifest["tables"]}
        return cls(load_follow(folder / "scenario.yaml"), frames, summary, folder, reused=True)


def follow_fingerprint(scenario: FollowScenario, fixed: bool) -> str:
    """What decides the numbers of a run; not workers, threads, folder or the number of replicates."""
    extra = {
        "sources": source_digest(), "policy": make_follow_plan(scenario).compiled.digest,
        "numba": version("numba"), "numpy": version("numpy"), "fixed_parameters": str(fixed),
    }  # fmt: skip
    return fingerprint(scenario, extra)


def expected_work(scenario: FollowScenario) -> float:
    """Expected seconds of simulating on one core; within about a factor of two."""
    g = scenario.follow_graph
    edges = g.people * g.mean_degree.value
    deliveries = edges * mean_rate(scenario.activity) * scenario.steps.count * len(arms_of(scenario))
    return (deliveries / DELIVERIES_PER_SECOND + edges / EDGES_PER_SECOND) * scenario.run.replicates


def estimate(scenario: FollowScenario, workers: int | None = None) -> dict[str, float]:
    """Expected seconds and mebibytes of a run, compiling included; within about a factor of two."""
    g, s = scenario.follow_graph, scenario
    cores = max(1, min(workers or default_workers(), s.run.replicates))
    often = max(1.0, highest_mean_rate(s.activity))
    bytes_each = 250e6 + g.people * (
        max(g.mean_degree.ends) * (96 + 4 * often) + s.feeds.slots * 30 + s.steps.count * 30 * often
    )
    return {"seconds": expected_work(s) / cores + 15, "mebibytes": (1 + cores) * bytes_each / 2**20}


def run_follow(
    scenario: FollowScenario, *, replicates: int | None = None, seed: int | None = None,
    out: str | Path | None = None, workers: int | None = None, threads: int | None = None,
    fixed_parameters: bool = False, resume: bool = False, force: bool = False, progress: Progress | None = None,
    store: bool = True, cluster: Any = None,
) -> FollowResult:  # fmt: skip
    """Simulate all replicates of a follow-graph world and summarise them; arguments and errors as of `recsim.run`."""
    wanted = {"replicates": replicates, "seed": seed}
    run = scenario.run.model_copy(update={k: v for k, v in wanted.items() if v is not None})
    if run.replicates < 1 or not 0 <= run.seed < 2**32:
        raise InputError(f"got {run.replicates} replicates and seed {run.seed}, must be at least 1 and in [0, 2^32-1]")
    scenario = scenario.model_copy(update={"run": run})
    session = Session(simulate_follow, fixed_parameters, workers, threads, progress, cluster)
    mark = follow_fingerprint(scenario, fixed_parameters)
    if not store:
        return _finish(scenario, mark, session, None)
    folder = RunFolder(folder_path(scenario.name, mark, out, force), mark)
    folder.inspect()
    found = session.stored(folder, FollowResult.load, scenario.run.replicates, "run")
    if found is not None:
        return found
    with folder.lock():
        folder.claim(resume)
        return _finish(session.with_all(scenario), mark, session, folder)


def _finish(scenario: FollowScenario, mark: str, session: Session, folder: RunFolder | None) -> FollowResult:
    """Do what is not stored yet, put everything together, write it."""
    count = scenario.run.replicates
    done = session.taken_over(folder, "replicates", count, "replicate")
    if done:
        session.notes.append(f"{len(done)} finished replicates taken over")
    todo = [Task("replicates", n, scenario, n) for n in range(count) if n not in done]
    if todo:
        warm(scenario)
    with contextlib.closing(session.do(todo, count, expected_work(scenario), folder)) as results:
        for task, found in results:
            done[task.number] = found
    frames, metas = joined([done[n][0] for n in range(count)]), [done[n][1] for n in range(count)]
    timing = session.timing(sum(m["impressions"] for m in metas))
    summary = summarise_follow(scenario, frames, metas, mark, timing, session.fixed)
    result = FollowResult(scenario, frames, summary, folder.path if folder else None, notes=session.notes)
    if folder is not None:
        with plain_errors(folder.path):
            _write(folder.path, result, metas, session.fixed)
    return result


def warm(scenario: FollowScenario) -> None:
    """Compile what the scenario needs before workers start, on a tiny copy."""
    graph = scenario.follow_graph
    small = graph.model_copy(
        update={"people": 30, "mean_degree": graph.mean_degree.model_copy(update={"value": 4.0, "range": None})}
    )
    steps = scenario.steps.model_copy(update={"count": 3, "averaged": 1})
    simulate_follow(scenario.model_copy(update={"follow_graph": small, "steps": steps}), 0)


def _write(path: Path, result: FollowResult, metas: list[dict], fixed: bool) -> None:
    sums = {
        "scenario.yaml": write_text(path / "scenario.yaml", dump_yaml(result.scenario)),
        "policy_compiled.py": write_text(path / "policy_compiled.py", follow_source(result.scenario)),
    }
    for name, frame in result.frames.items():
        sums[f"{name}.parquet"] = write_table(path / f"{name}.parquet", frame)
    sums["summary.csv"] = write_text(path / "summary.csv", result.shift().to_csv(index=False))
    more = {"tables": list(result.frames), "replicate_meta": metas}
    policies = [result.scenario.platform.policy]
    write_last(path, "summary.json", result.summary, source_digest(), fixed, more, sums, policies)


def window_means(scenario: FollowScenario, frames: dict[str, pd.DataFrame], arm: str) -> pd.DataFrame:
    """By replicate: mean quality and inauthentic share of people's slots, over the last steps or as smoothed.

    Returns:
        Columns quality, inauthentic_share, diversity_nats; index replicate.
    """
    steps = frames["steps"]
    steps = steps[steps["arm"].astype(str) == arm]
    last = steps.groupby("replicate")["step"].transform("max")
    window = steps[steps["step"] > last - scenario.steps.averaged]
    means = window.groupby("replicate")[["quality", "inauthentic_share", "diversity_nats"]].mean()
    if scenario.steps.stop == "smoothed":
        ends = frames["smoothed"]
        ends = ends[ends["arm"].astype(str) == arm].set_index("replicate").sort_index()
        means["quality"], means["inauthentic_share"] = ends["quality"], ends["inauthentic_share"]
    return means.sort_index()


def _shares(
    scenario: FollowScenario, frames: dict[str, pd.DataFrame], campaign: str, fixed: bool
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """(R,) share that a campaign's posts take of people's slots, as `window_means` counts them, and of the last steps' impressions."""
    e = frames["exposure"]
    e = e[e["arm"].astype(str) == FACTUAL]
    last = e.groupby("replicate")["step"].transform("max")
    window = e[e["step"] > last - scenario.steps.averaged]
    if scenario.steps.stop == "smoothed":
        by = _by_step(e, campaign).groupby("replicate")
        taken = np.array([_smoothed(scenario, int(r), one.to_numpy(), fixed) for r, one in by])
    else:
        taken = _by_step(window, campaign).groupby("replicate").mean().to_numpy()
    seen = window[window["origin"].astype(str) == campaign].groupby("replicate")["impressions"].sum()
    return taken, (seen / window.groupby("replicate")["impressions"].sum()).fillna(0.0).to_numpy()


def _by_step(exposure: pd.DataFrame, campaign: str) -> pd.Series:
    """Share of people's slots that a campaign's posts take, by replicate and step; 0 where nothing lies in any slot."""
    total = exposure.groupby(["replicate", "step"])["slots"].sum()
    mine = exposure[exposure["origin"].astype(str) == campaign].set_index(["replicate", "step"])["slots"]
    return (mine / total.where(total > 0)).fillna(0.0).sort_index()


def _smoothed(scenario: FollowScenario, replicate: int, values: np.ndarray, fixed: bool) -> float:
    """Where a quantity of every step stands at the end, from 0 and smoothed like quality."""
    weight = realise(scenario, scenario.run.seed, replicate, fixed).steps.smoothing.value
    stands = 0.0
    for value in values:
        stands = weight * stands + (1 - weight) * float(value)
    return stands


def _row(name: str, values: np.ndarray) -> dict[str, Any]:
    t = interval(values)
    return {name: t.mean, f"{name}_ci_low": t.low, f"{name}_ci_high": t.high, f"{name}_sd": t.sd}


def summarise_follow(
    scenario: FollowScenario, frames: dict[str, pd.DataFrame], metas: list[dict], mark: str, timing: dict, fixed: bool
) -> dict[str, Any]:
    """The content of ``summary.json``; NaN is None. Shares are fractions, changes by takedown per cent.

    Inauthentic share: of the slots of people's feeds, mean over the last steps, or smoothed where the rule on smoothed quality
    stops the world. Relative quality by shares is 1 minus it; ``quality_ratio`` is mean quality with the campaigns over mean
    quality without them, by replicate.
    """
    with_them = window_means(scenario, frames, FACTUAL)
    share = with_them["inauthentic_share"].to_numpy(float)
    campaigns = []
    for c in scenario.campaigns:
        slots, seen = _shares(scenario, frames, c.id, fixed)
        campaigns.append({"campaign": c.id, **_row("slot_share", slots), **_row("impression_share", seen)})
    arms = list(arms_of(scenario))
    summary: dict[str, Any] = {
        "scenario": scenario.name, "fingerprint": mark, "policy": scenario.platform.policy, "kind": "follow_graph",
        "replicates": len(metas), "seed": scenario.run.seed, "people": metas[0]["people"],
        "steps": scenario.steps.count, "averaged_steps": scenario.steps.averaged, "stop": scenario.steps.stop,
        "dose": scenario.dose.value, "arms": arms, "interval_covers": "luck" if fixed else "luck and declared ranges",
        "exploratory": len(metas) < 30, **_row("inauthentic_share", share), **_row("relative_quality", 1 - share),
        **_row("quality", with_them["quality"].to_numpy(float)),
        **_row("diversity_nats", with_them["diversity_nats"].to_numpy(float)), "campaigns": campaigns,
    }  # fmt: skip
    if COUNTERFACTUAL in arms:
        without = window_means(scenario, frames, COUNTERFACTUAL)
        ratio = with_them["quality"].to_numpy(float) / without["quality"].to_numpy(float)
        summary |= {**_row("quality_without", without["quality"].to_numpy(float)), **_row("quality_ratio", ratio)}
    if scenario.posts.illegal:
        summary["illegal"] = _illegal(frames, arms)
    summary |= {
        "actions": sum(m["actions"] for m in metas), "deliveries": sum(m["deliveries"] for m in metas), "timing": timing,
    }  # fmt: skip
    return cleaned(summary)


def _illegal(frames: dict[str, pd.DataFrame], arms: list[str]) -> dict[str, Any]:
    """By quantity: factual value, and what takedown changes against the unmoderated world, per cent, over replicates."""
    table = frames["illegal"]
    by = {arm: table[table["arm"].astype(str) == arm].set_index("replicate").sort_index() for arm in arms}
    out: dict[str, Any] = {}
    for name in ILLEGAL:
        now = by[FACTUAL][name].to_numpy(float)
        out[name] = _row("value", now)
        if UNMODERATED in arms:
            before = by[UNMODERATED][name].to_numpy(float)
            change = 100 * (np.divide(now, before, out=np.full_like(now, np.nan), where=before > 0) - 1)
            out[name] |= _row("change_percent", change)
    return out
