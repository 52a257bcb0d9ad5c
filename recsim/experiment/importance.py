"""How much each parameter of a policy matters: first places under shadow policies, one parameter changed at a time.

Measured within the worlds of a scenario: pools, counters and gates stay as the declared policy makes them, so it is the
importance of the parameter in *ranking*, before any feedback. Each parameter is multiplied and divided by the same
factor. Parameters that are zero, or at the end of what they may be, have no such change, and those that the score does not name (of re-rankers, a refit, a
gate, a memory of hides) act where no shadow does: they are left out, see `not_measured`.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from recsim.errors import InputError
from recsim.experiment.executor import default_workers, run_tasks
from recsim.experiment.summary import removed_campaigns
from recsim.metrics import interval
from recsim.ranking.policy import Policy
from recsim.ranking.registry import configured
from recsim.scenario import realise
from recsim.scenario.schema import HeadWeights, Scenario

UP, DOWN = "more ", "less "
FACTOR = 1.25


def with_shadows(scenario: Scenario, factor: float = FACTOR) -> Scenario:
    """The scenario with two shadows for every non-zero parameter that the score of its policy names.

    Raises:
        InputError: a policy without such parameters.
    """
    policy = _policy_of(scenario)
    named = policy.score_parameters
    values = {**policy.parameters, **{n: q.value for n, q in scenario.platform.parameters.items()}}
    moved = {
        name: value for name, value in values.items()
        if value and name in named and all(_may_be(policy, name, value * change) for change in (factor, 1 / factor))
    }  # fmt: skip
    if not moved:
        raise InputError(f"policy {policy.name} has no parameter to change; nothing can be measured")
    shadows = [
        HeadWeights(id=sign + name, parameters={name: value * change})
        for name, value in moved.items() for sign, change in ((UP, factor), (DOWN, 1 / factor))
    ]  # fmt: skip
    return scenario.model_copy(update={"audit": scenario.audit.model_copy(update={"shadows": shadows})})


def _may_be(policy: Policy, name: str, value: float) -> bool:
    try:
        policy.check_value(name, value, name)
    except InputError:
        return False
    return True


def not_measured(scenario: Scenario, factor: float = FACTOR) -> list[str]:
    """Parameters of the scenario's policy that `importance` with this factor leaves out, in the policy's order."""
    measured = {s.id.removeprefix(UP) for s in with_shadows(scenario, factor).audit.shadows}
    return [name for name in _policy_of(scenario).parameters if name not in measured]


def _policy_of(scenario: Scenario) -> Policy:
    platform = scenario.platform
    return configured(platform.policy, platform.rerank, platform.rerank_top)


def _task(scenario: Scenario, replicate: int, report=None) -> pd.DataFrame:
    from recsim.world.pair import simulate_replicate

    drawn = realise(scenario, scenario.run.seed, replicate)
    return simulate_replicate(drawn, replicate, report=report).frames["shadows"]


def importance(
    scenario: Scenario, *, replicates: int = 3, factor: float = FACTOR, workers: int | None = None, progress=None
) -> pd.DataFrame:  # fmt: skip
    """Measured importance of the parameters of the scenario's policy.

    Args:
        scenario: from `recsim.load`; its policy and parameters are those measured.
        replicates: at least 2, for the intervals.
        factor: by which a parameter is multiplied and divided, above 1.
        workers: processes; default all cores. Never changes a result.
        progress: called with (done, total, text).

    Returns:
        One row per parameter and candidate (candidate "political": content about any candidate, as share of all first
        places): ``parameter``, ``value``, ``reordered`` (share of first places that change when the parameter is
        multiplied by ``factor``, 0-1), ``candidate``, ``elasticity`` of her share of candidate places with ``ci_low``
        and ``ci_high`` (95 %, over replicates), ``shift_more_pp`` and ``shift_less_pp`` (shift of that share by the
        campaigns under either change, percentage points) and ``shift_pp`` as declared. Most important parameter first.

    Raises:
        InputError: nothing to change, a policy that has no shadows, or bad numbers.
    """
    from recsim.world.plan import make_plan

    if replicates < 2 or not factor > 1:
        raise InputError(f"got {replicates} replicates and factor {factor:g}, must be at least 2 and above 1")
    changed = with_shadows(scenario, factor)
    make_plan(changed)
    say = progress or (lambda done, total, text: None)
    tasks = [(changed, k) for k in range(replicates)]
    found = dict(
        run_tasks(
            _task, tasks, min(workers or default_workers(), replicates), lambda d: say(d, replicates, "replicates")
        )
    )
    table = pd.concat([found[k] for k in range(replicates)], ignore_index=True)
    values = {s.id.removeprefix(UP): s.parameters for s in changed.audit.shadows if s.id.startswith(UP)}
    rows = []
    for name, given in values.items():
        rows += _rows(table, scenario, name, given[name] / factor, factor, replicates)
    frame = pd.DataFrame(rows)
    return frame.sort_values(["reordered", "parameter"], ascending=[False, True], kind="stable", ignore_index=True)


def _rows(
    table: pd.DataFrame, scenario: Scenario, name: str, value: float, factor: float, replicates: int
) -> list[dict]:  # fmt: skip
    places = (
        table.astype({"arm": str, "candidate": str})
        .groupby(["shadow", "arm", "replicate", "candidate"])["places"]
        .sum()
    )
    wide = {shadow: places.loc[shadow].unstack("candidate") for shadow in ("as declared", UP + name, DOWN + name)}
    more, less, own = wide[UP + name], wide[DOWN + name], wide["as declared"]
    reordered = 1 - float(more["in_common"].sum() / more["all"].sum())
    names = [c.id for c in scenario.candidates]
    # Without a campaign to remove there is one world, and no shift.
    arms = ("factual", "counterfactual") if removed_campaigns(scenario) else ("shared", "shared")
    rows = []
    for who in [*names, "political"]:

        def share(frame: pd.DataFrame, arm: str, who: str = who) -> np.ndarray:
            mine = frame.loc[arm]
            total = mine[names].sum(axis=1)
            part = total / mine["all"] if who == "political" else mine[who] / total
            return part.reindex(range(replicates)).to_numpy(float)

        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (np.log(share(more, arms[0])) - np.log(share(less, arms[0]))) / (2 * math.log(factor))
        t = interval(np.where(np.isfinite(slope), slope, np.nan))
        shift = {
            key: 100 * float(np.nanmean(share(frame, arms[0]) - share(frame, arms[1])))
            for key, frame in (("shift_pp", own), ("shift_more_pp", more), ("shift_less_pp", less))
        }
        rows.append(
            {"parameter": name, "value": value, "reordered": reordered, "candidate": who, "elasticity": t.mean, "ci_low": t.low, "ci_high": t.high, **shift}
        )  # fmt: skip
    return rows
