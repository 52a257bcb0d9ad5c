"""Does a 95 % interval cover 95 %? Many small studies of the simulator itself.

All studies are cut from one long row of independent replicates, so that the same simulations serve every size of study.
The truth is the mean over the whole row; with thousands of replicates its own error is small beside a study's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from recsim.audit import procedures
from recsim.experiment.summary import Counts
from recsim.metrics import further_interval, interval, p_value, wilson
from recsim.resampling import STUDENTISED_FROM
from recsim.scenario import realise
from recsim.scenario.load import parse
from recsim.scenario.schema import Scenario


class Coverage(NamedTuple):
    """What many studies of one size did.

    Attributes:
        size: replicates of a study. studies: how many there were.
        covered: share of 95 % intervals (Student's t) that hold the truth, with its Wilson interval.
        error: standard deviation of the studies' means: what their intervals should know of.
        predicted: share of 95 % prediction intervals that hold a world of the next study.
        rejected_t, rejected_flips: share of studies with p < 0.05 against no shift (Student's t; sign flips).
        covered_bca: share of BCa intervals that hold the truth, NaN below 30 replicates a study.
        covered_bootstrap_t: share of studentised bootstrap intervals that do, NaN below 10.
        covered_either: share of the intervals that are printed for shifts, `recsim.metrics.further_interval`, that do.
        below_t: share of studies that would call the shift below a threshold which it reaches exactly, by Student's 90 %
            interval alone; below: by `recsim.metrics.further_interval`, which is what verdicts use. Five per cent at most are
            promised. Only for a mean that is not zero; NaN where bootstrap intervals are.
        half_width: mean half-width of the t intervals, percentage points.
    """

    size: int
    studies: int
    covered: float
    covered_low: float
    covered_high: float
    predicted: float
    rejected_t: float
    rejected_flips: float
    covered_bca: float
    covered_bootstrap_t: float
    covered_either: float
    below_t: float
    below: float
    half_width: float
    error: float


def shifts_of(
    scenario: Scenario, first: int, count: int, *, report: Callable[[float], None] | None = None
) -> np.ndarray:
    """(count, C) shift of replicates first, first + 1, ..., percentage points; ranged parameters drawn.

    A function of its own so that worker processes find it.
    """
    from recsim.world.pair import simulate_replicate

    names = [c.id for c in scenario.candidates]
    out = np.empty((count, len(names)))
    for k in range(count):
        drawn = realise(scenario, scenario.run.seed, first + k, False)
        frames = simulate_replicate(drawn, first + k).frames
        out[k] = Counts(frames["exposure"], names, [first + k], scenario.run.luck_branches).shift_pp[0]
        if report is not None:
            report((k + 1) / count)
    return out


def exchangeable(scenario: Scenario) -> Scenario:
    """Two candidates that differ in nothing but luck, each with the scenario's first bot network.

    Neither gains on average, so every test that says so is a false alarm.
    """
    from recsim.scenario.dump import _plain

    raw: dict[str, Any] = _plain(scenario)
    one = raw["candidates"][0]
    network = next(c for c in raw["campaigns"] if c["type"] == "bot_network")
    for block in (one, network):
        block.pop("key", None)
    raw["candidates"] = [{**one, "id": name, "name": name.title(), "key": f"{name}-key"} for name in ("one", "other")]
    raw["campaigns"] = [
        {**network, "id": f"network_{name}", "key": f"network-{name}", "beneficiary": name} for name in ("one", "other")
    ]
    raw["name"] = f"{scenario.name}-exchangeable"
    return parse(raw, raw["name"])


def drawn_studies(shift: np.ndarray, size: int, studies: int) -> np.ndarray:
    """(size * studies,) replicates drawn from a row of them with replacement, for `coverage` with the mean of the row as truth.

    For studies so large that the row would make few: what is drawn has exactly the row's distribution and mean, and is
    independent. Only for rows of independent replicates. Always the same draw.
    """
    x = shift[~np.isnan(shift)]
    return x[np.random.Generator(np.random.Philox(size)).integers(0, len(x), size * studies)]


def coverage(
    shift: np.ndarray, size: int, bootstrap: bool = True, truth: float | None = None, bca: bool = True,
    report: Callable[[float], None] | None = None,
) -> Coverage:  # fmt: skip
    """Cut a row of replicates into studies and see how often their intervals and tests are right.

    Args:
        shift: (N,) one shift per replicate; NaN are left out.
        size: replicates of a study.
        bootstrap: whether to look at bootstrap intervals too (slow).
        truth: what intervals should hold, if it is known from elsewhere; None: the mean of the row.
        bca: whether BCa intervals are looked at, which take most of the time.
        report: told 1 at the end, as an executor wants it.
    """
    x = np.asarray(shift, float)
    x = x[~np.isnan(x)]
    studies, truth = len(x) // size, float(x.mean()) if truth is None else truth
    parts = x[: studies * size].reshape(studies, size)
    t = [interval(part) for part in parts]
    hit = sum(one.low <= truth <= one.high for one in t)
    low, high = wilson(hit, studies)
    ahead = np.mean([one.next_low <= parts[(k + 1) % studies][0] <= one.next_high for k, one in enumerate(t)])

    def holds(spans: Sequence[procedures.Span | None]) -> float:
        return float(np.mean([span is not None and span.low <= truth <= span.high for span in spans]))

    def below(highs: Sequence[float]) -> float:
        """Of a mean below zero, shifts are turned."""
        return float(np.mean(np.array(highs) < abs(truth))) if truth else float("nan")

    boot = skewed = either = plain = both = float("nan")
    if bootstrap and bca and size >= procedures.BCA_FROM:
        boot = holds([procedures.bca(part) for part in parts])
    if bootstrap and size >= STUDENTISED_FROM:
        studentised = [procedures.bootstrap_t(part) for part in parts]
        skewed = holds(studentised)
        either = holds([procedures.Span(*further_interval(part)[1:3]) for part in parts])
        turned = parts if truth >= 0 else -parts
        plain = below([interval(part, 0.9).high for part in turned])
        both = below([further_interval(part, 0.9).high for part in turned])
    if report is not None:
        report(1.0)
    return Coverage(
        size, studies, hit / studies, low, high, float(ahead),
        float(np.mean([p_value(part) < 0.05 for part in parts])),
        float(np.mean([procedures.sign_flip(part).p < 0.05 for part in parts])), boot, skewed, either, plain, both,
        float(np.mean([(one.high - one.low) / 2 for one in t])), float(parts.mean(axis=1).std(ddof=1)) if studies > 1 else float("nan"),
    )  # fmt: skip
