"""Which campaign, which tactic, which door did what part of the shift: Shapley values on common worlds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsim.errors import InputError, unknown
from recsim.experiment.run import configured
from recsim.experiment.sets import Answer, Question, WorldSet, answer, chosen_candidate, without_table
from recsim.experiment.shapley import (
    ORDERS,
    Coalition,
    dividends,
    gap,
    is_exact,
    needed_coalitions,
    shared_out,
)
from recsim.experiment.summary import removed_campaigns, spent_in_all
from recsim.experiment.tasks import Progress, Session, Simulate
from recsim.experiment.worlds import Worlds
from recsim.metrics import Interval, interval, shift_interval
from recsim.scenario.in_use import most
from recsim.scenario.quantity import Quantity
from recsim.scenario.schema import Scenario
from recsim.world.arms import COUNTERFACTUAL, DOORS, Arm

KINDS = ("campaign", "tactic", "door")
ROUNDING = 1e-9
"""Percentage points or impressions below which a sum of differences is no effect but rounding."""
DIRECT = "direct"
"""What campaigns do with every door closed: posts, advertisements, comments and follows that people meet without any counter."""


def players_of(scenario: Scenario, by: str) -> list[str]:
    """Who shares the shift: removed campaigns, their tactics, or the doors; in alphabetical order, doors as declared.

    Raises:
        InputError: an unknown kind.
    """
    if by not in KINDS:
        raise unknown("kind of attribution", by, KINDS, "--by")
    removed = removed_campaigns(scenario)
    if by == "campaign":
        return sorted(c.id for c in removed)
    if by == "tactic":
        return sorted({name for c in removed for name in tactics_of(scenario, c)})
    return list(DOORS)


def tactics_of(scenario: Scenario, campaign: Any) -> list[str]:
    """Tactics of one of the scenario's campaigns with a share above zero in some replicate."""
    if campaign.type in ("paid_influencers", "impersonation"):
        return ["post"]
    if campaign.type == "advertising":
        return ["ad"]

    def some(key: str, quantity: Quantity) -> bool:
        return most(scenario, f"campaigns.{campaign.id}.{key}", quantity) > 0

    if campaign.type == "purchased_engagement":
        return [name for name in ("like", "follow") if some(f"{name}s", getattr(campaign, f"{name}s"))]
    mix = campaign.tactics
    found = [name for name in type(mix).model_fields if some(f"tactics.{name}", getattr(mix, name))]
    found += ["camouflage"] if some("camouflage_share", campaign.camouflage_share) else []
    return [*found, "post"] if some("posts_per_day", campaign.posts_per_day) else found


def label(coalition: Coalition) -> str:
    """Name of a coalition's arm."""
    return "+".join(sorted(coalition)) or "none"


def arm_of(by: str, coalition: Coalition) -> Arm:
    """The arm in which only these players act."""
    name = label(coalition)
    if by == "campaign":
        return Arm(name, campaigns=coalition)
    return Arm(name, tactics=coalition) if by == "tactic" else Arm(name, doors=coalition)


def question_of(
    scenario: Scenario, by: str = "campaign", candidate: str | None = None, orders: int = ORDERS
) -> Question:  # fmt: skip
    """The worlds that an attribution needs.

    Args:
        scenario: as resolved.
        by: "campaign", "tactic" or "door".
        candidate: whose shift is shared out; None: the beneficiary of most campaigns.
        orders: sampled orders if there are many players, an even number.

    Raises:
        InputError: a bad setting, or nothing to attribute.
    """
    if orders < 2 or orders % 2:
        raise InputError(f"got {orders}, must be an even number of at least 2", "--orders")
    who = chosen_candidate(scenario, candidate)
    players = players_of(scenario, by)
    if not players:
        raise InputError(
            "the campaigns have no tactic with a share above 0, so there is nothing to attribute", "campaigns"
        )
    coalitions = needed_coalitions(players, orders, scenario.run.seed)
    # No campaign and no tactic is the counterfactual itself; with no door open the direct channel is left.
    arms = (COUNTERFACTUAL, *(arm_of(by, c) for c in coalitions if c or by == "door"))
    settings = {"by": by, "orders": None if is_exact(players, orders) else orders, "players": players}
    small = without_table(scenario)
    return Question("attribute", scenario, (WorldSet(f"by-{by}", small, arms),), settings, who, _summarise)


def attribute(
    scenario: Scenario, *, by: str = "campaign", candidate: str | None = None, orders: int = ORDERS,
    replicates: int | None = None, seed: int | None = None, out: str | Path | None = None, workers: int | None = None,
    threads: int | None = None, fixed_parameters: bool = False, resume: bool = False, force: bool = False,
    progress: Progress | None = None, store: bool = True, simulate: Simulate | None = None, cluster: Any = None,
) -> Answer:  # fmt: skip
    """Share the shift out among campaigns, tactics or doors.

    Args:
        scenario: from `recsim.load`.
        by: whom the shift is shared out among: "campaign" (those that the counterfactual removes), "tactic" or "door".
        candidate: id of the candidate whose shift is shared out; None: the beneficiary of most campaigns.
        orders: random orders of the players that are sampled where there are too many coalitions for all of them, an even number
            of at least 2; otherwise all coalitions are simulated and it says nothing.
        replicates, seed: override the scenario's.
        out: directory itself; default ``runs/attribute-<name>-<fingerprint>``.
        workers, threads, fixed_parameters, resume, force, progress, store, simulate, cluster: as in `recsim.run`; the engine has
            the signature of `recsim.world.pair.simulate_arms`.

    Returns:
        An `Answer`. ``frames["attribution"]`` has one row per player: ``name``, Shapley value ``shift_pp`` (percentage points)
        with its 95 % interval ``ci_low``, ``ci_high``, ``excess_impressions`` (real units) with its own, spending and what
        stands in docs/attribution.md; the values add up to the whole shift. ``frames["by_replicate"]`` has one row per arm,
        replicate and candidate: ``share`` (0-1), ``shift_pp``, ``excess_impressions``.

    Source: Shapley 1953; sampled orders with their reverses as in Castro et al. 2009; docs/attribution.md.

    Raises:
        InputError: bad settings, or a folder that holds something else.
        RecsimError: a worker died, or the disk is full; finished replicates are kept.
    """
    session = Session(simulate, fixed_parameters, workers, threads, progress, cluster)
    question = question_of(configured(scenario, replicates, seed, None), by, candidate, orders)
    return answer(question, session, out, resume, force, store)


def spread(t: Interval, prefix: str = "") -> dict[str, float]:
    """Ends of an interval as columns."""
    return {f"{prefix}ci_low": t.low, f"{prefix}ci_high": t.high}


def widened(t: Interval, by_order: np.ndarray | None) -> tuple[Interval, float]:
    """An interval that also covers which orders were sampled, and the standard error of that; NaN if exact.

    Half-widths of replicates and of pairs of orders (Student's t each) are added as squares. Part of the luck is in
    both, so it is rather too wide.
    """
    if by_order is None:
        return t, float("nan")
    o = interval(by_order)
    error = o.sd / np.sqrt(o.n) if o.n > 1 else float("nan")
    if not np.isfinite(t.low) or not np.isfinite(o.low):
        return t._replace(low=float("nan"), high=float("nan")), error
    half = float(np.hypot(t.high - t.mean, o.high - o.mean))
    return t._replace(low=t.mean - half, high=t.mean + half), error


class Game:
    """The values of all coalitions, for one candidate.

    Args:
        worlds: simulated.
        by, players, orders: as of the question; orders None if all coalitions were simulated.
        k: number of the candidate.
    """

    def __init__(self, worlds: Worlds, by: str, players: list[str], orders: int | None, k: int) -> None:
        self.players, self.orders, self.seed = players, orders or ORDERS, worlds.scenario.run.seed
        zero = np.zeros(len(worlds.replicates))
        asked = needed_coalitions(players, self.orders, self.seed)
        self.direct = {"shift": zero, "excess": zero}
        self.total: dict[str, np.ndarray] = {}
        self.values: dict[str, dict[Coalition, np.ndarray]] = {}
        measures: dict[str, Callable[[str], np.ndarray]] = {"shift": worlds.shift_pp, "excess": worlds.excess}
        for measure, of in measures.items():
            if by == "door":
                self.direct[measure] = of(label(frozenset()))[:, k]
            self.values[measure] = {
                c: (of(label(c))[:, k] if c or by == "door" else zero) - self.direct[measure] for c in asked
            }
            self.total[measure] = self.values[measure][frozenset(players)] + self.direct[measure]
        self.parts = {m: shared_out(players, v, self.orders, self.seed) for m, v in self.values.items()}
        self.gap = gap(players, self.values["shift"], {p: part for p, (part, _) in self.parts["shift"].items()})

    def row(self, one: str) -> dict[str, Any]:
        """The numbers of one player."""
        found: dict[str, Any] = {}
        for measure, names in (("shift", ("shift_pp", "")), ("excess", ("excess_impressions", "excess_"))):
            part, by_order = self.parts[measure][one]
            t, error = widened(interval(_settled(part)), by_order)
            found |= {names[0]: t.mean, **spread(t, names[1])}
            if measure == "shift":
                found["order_error_pp"] = error
        v, everyone = self.values["shift"], frozenset(self.players)
        alone = interval(_settled(v[frozenset({one})] - v[frozenset()]))
        last = interval(_settled(v[everyone] - v[everyone - {one}]))
        found |= {"alone_pp": alone.mean, **spread(alone, "alone_"), "on_top_pp": last.mean, **spread(last, "on_top_")}
        return {"name": one, **found}

    def interactions(self) -> list[dict[str, Any]]:
        """Dividends of two players and more, pairs first; of all sizes if all coalitions were simulated."""
        largest = None if is_exact(self.players, self.orders) else 2
        found = dividends(self.players, self.values["shift"], largest)
        rows = []
        for coalition, value in sorted(found.items(), key=lambda item: (len(item[0]), sorted(item[0]))):
            if len(coalition) > 1:
                t = interval(_settled(value))
                rows.append({"between": sorted(coalition), "shift_pp": t.mean, **spread(t)})
        return rows

    def rest(self) -> dict[str, Any] | None:
        """What is left of the total after single players and pairs, if larger coalitions were not all simulated."""
        if is_exact(self.players, self.orders):
            return None
        found = dividends(self.players, self.values["shift"], 2)
        t = interval(self.total["shift"] - np.sum(list(found.values()), axis=0))
        return {"shift_pp": t.mean, **spread(t)}

    def whole(self, which: str) -> dict[str, Any]:
        """Shift and excess impressions of everything, or of the direct channel."""
        values = self.total if which == "total" else self.direct
        shift, excess = shift_interval(values["shift"]), interval(values["excess"])
        return {"shift_pp": shift.mean, **spread(shift), "excess_impressions": excess.mean, **spread(excess, "excess_")}


def _summarise(question: Question, worlds: Worlds) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    by, players, orders = (question.settings[name] for name in ("by", "players", "orders"))
    spent = spending(worlds, by, players)
    rows, summary = [], {}
    for k, candidate in enumerate(worlds.candidates):
        game = Game(worlds, by, players, orders, k)
        parts = [game.row(one) for one in players]
        for part in parts:
            part |= _price(spent.get(part["name"]), part["excess_impressions"])
        more = game.interactions()
        total = game.whole("total") | _price(spent["total"], game.whole("total")["excess_impressions"])
        rows += [{"candidate": candidate, **part} for part in parts]
        rows += [
            {"candidate": candidate, "name": " x ".join(m["between"]), "interaction": True, **_flat(m)} for m in more
        ]
        if by == "door":
            rows.append({"candidate": candidate, "name": DIRECT, **game.whole("direct")})
        rows.append({"candidate": candidate, "name": "total", **total})
        if candidate == question.candidate:
            summary = {
                "method": "exact" if orders is None else "sampled orders", "coalitions": len(game.values["shift"]),
                "total": total, "direct": game.whole("direct") if by == "door" else None,
                "parts": sorted(parts, key=lambda part: -abs(np.nan_to_num(part["shift_pp"]))), "interactions": more,
                "larger": game.rest(), "efficiency_gap": game.gap,
                "undefined_replicates": int(np.isnan(game.total["shift"]).sum()),
            }  # fmt: skip
    return summary, {"attribution": pd.DataFrame(rows)}


def _settled(values: np.ndarray) -> np.ndarray:
    """The values, with what is only rounding set to zero, so that it is not told apart from zero."""
    return np.where(np.abs(values) < ROUNDING, 0.0, values)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k != "between"}


def _price(spent: float | None, excess: float) -> dict[str, float]:
    """Euro, and euro per excess impression: a ratio of means, where something is spent and gained."""
    nan = float("nan")
    spent = nan if spent is None else spent
    return {"spend_eur": spent, "eur_per_excess": spent / excess if spent > 0 and excess > 0 else nan}


def spending(worlds: Worlds, by: str, players: list[str]) -> dict[str, float | None]:
    """Euro by player where it can be told, and in "total"; doors are not paid for, accounts are no tactic.

    None where no price is declared.
    """
    # Without doors or tactics to close, everything that the campaigns do is in the arm in which all act.
    everyone = label(frozenset(players))
    campaigns = worlds.spend_by_campaign(everyone)
    out: dict[str, float | None] = {"total": spent_in_all(campaigns)}
    if by == "campaign":
        return out | campaigns
    if by == "door" or out["total"] is None:
        return out
    rows = worlds.of("campaigns", everyone)
    runs = len(worlds.replicates) * worlds.scenario.run.luck_branches
    by_tactic = (rows.groupby("tactic", observed=True)["spend_eur"].sum() / runs).to_dict()
    tactics = {name: float(by_tactic.get(name, 0.0)) for name in players}
    for c in removed_campaigns(worlds.scenario):
        paid = campaigns[c.id]
        if paid is None:
            continue
        listed = rows[rows["campaign"].astype(str) == c.id]["spend_eur"].sum() / runs
        if c.type in ("paid_influencers", "impersonation") and "post" in tactics:
            tactics["post"] += paid - listed
    return out | tactics
