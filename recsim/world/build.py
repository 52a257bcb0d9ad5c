"""The state of a world at its first step."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from recsim import rng
from recsim.agents.creators import build_supply
from recsim.agents.networks import Roster, make_roster
from recsim.agents.people import build_people, first_estimate, place_candidates
from recsim.rng import Key
from recsim.state import ACTIONS, Accounts, Cells, Counters, Items, Latent, Observed, copied, no_counts
from recsim.world.memory import Memory
from recsim.world.networks import make_network, searches
from recsim.world.plan import Plan


@dataclasses.dataclass
class State:
    """All arrays of one world. Latent traits, cells and positions never change and are shared between forks."""

    latent: Latent
    cells: Cells
    position: np.ndarray  # (C, 2) float32
    observed: Observed
    items: Items  # as this world has them
    scheduled: Items  # as they are if every campaign acts
    replaced: Items  # as they are if none does
    accounts: Accounts
    counters: Counters
    counted: np.ndarray  # (I, 10) int64, totals already folded into the decayed counters
    threshold: np.ndarray  # (J,) float32, log values of the gates
    recent: np.ndarray  # (10,) int64, people's actions of the last full day, for base rates
    head_weight: np.ndarray  # (10, 3) float64, weights of the online logistic predictor
    head_precision: np.ndarray  # (10, 3, 3) float64, their precision
    born: np.ndarray  # (steps + 1,) int64, first item created at or after each step
    sought: np.ndarray  # (C, I) float32, decayed picks after searches for a candidate; I = 0 if no campaign searches
    vanishes: np.ndarray  # (I,) int32, step from which an item is gone with its account; never changes
    poster: np.ndarray  # (I,) int32, number of the account within its campaign, -1 for ordinary items; never changes
    down: np.ndarray  # (I,) bool, gone with its account
    rosters: dict[str, Roster]  # accounts of each campaign that has any, by its id
    memory: Memory | None = None  # log and learned arrays, if the policy refits

    def cast(self, acting: np.ndarray) -> None:
        """Give this world the posts of some campaigns, and what replaces those of the others.

        Args:
            acting: (K,) bool, by number of the campaign.
        """
        campaign = self.scheduled.labels.campaign
        away = (campaign >= 0) & ~np.append(acting, True)[campaign]
        if not away.any():
            self.items = self.scheduled
        elif away[campaign >= 0].all():
            self.items = self.replaced
        else:
            self.items = _merged(self.replaced, self.scheduled, away)
        if self.down.any():
            self.hide(self.down)

    def hide(self, gone: np.ndarray) -> None:
        """Items that are no longer there; (I,) bool."""
        labels = self.items.labels
        self.items = self.items._replace(labels=labels._replace(present=labels.present & ~gone))

    def fork(self) -> State:
        """A copy whose changes leave this state alone."""
        return dataclasses.replace(
            self, observed=copied(self.observed), accounts=copied(self.accounts), counters=copied(self.counters),
            counted=self.counted.copy(), threshold=self.threshold.copy(), recent=self.recent.copy(),
            head_weight=self.head_weight.copy(), head_precision=self.head_precision.copy(),
            sought=self.sought.copy(), down=self.down.copy(), rosters={name: one.fork() for name, one in self.rosters.items()},
            memory=None if self.memory is None else self.memory.fork(),
        )  # fmt: skip


def _merged(one: Any, other: Any, where: np.ndarray) -> Any:
    """Rows of ``one`` where the mask holds, else of ``other``; columns that both share are not copied."""
    columns = []
    for a, b in zip(one, other, strict=True):
        if isinstance(a, tuple):
            columns.append(_merged(a, b, where))
        elif np.array_equal(a, b):
            columns.append(b)
        else:
            columns.append(np.where(where.reshape(-1, *[1] * (a.ndim - 1)), a, b))
    return type(one)(*columns)


def build_state(plan: Plan, key: Key) -> State:
    """Draw people, supply and the follow graph of one replicate."""
    traits, activity = plan.traits, plan.scenario.activity
    position = place_candidates(key, plan.supply.candidate_population)
    latent, cells = build_people(key, traits, plan.people, position)
    expected = plan.people * plan.days * activity.visits_per_day.value * activity.videos_per_visit.value
    spare = int(4 * expected * max(plan.scenario.response.follow_rate.value, 1e-4)) + 10_000
    supply = build_supply(key, plan.supply, plan.posts, latent.preference, traits.population, spare)
    people, items = plan.people, len(supply.items.id)
    born = np.searchsorted(supply.items.created, np.arange(plan.steps + 1)).astype(np.int64)
    estimate = first_estimate(key, traits, latent.taste, plan.scenario.platform.predictor.initial_accuracy.value)
    observed = Observed(
        estimate=estimate,
        stratum=np.zeros(people, np.int32),
        inbox=np.full((people, int(plan.reaction.inbox)), -1, np.int32),
        inbox_next=np.zeros(people, np.int32),
        seen=np.zeros((people, largest_window(plan, born) // 64 + 3), np.uint64),
    )
    counters = no_counts(items)
    return State(
        latent=latent, cells=cells, position=position, observed=observed, items=supply.items,
        scheduled=supply.items, replaced=supply.replaced, accounts=supply.accounts, counters=counters,
        counted=np.zeros((items, len(ACTIONS)), np.int64), threshold=np.full(4, -1e30, np.float32),
        recent=nominal_actions(plan), head_weight=first_weights(nominal_actions(plan)),
        head_precision=np.zeros((len(ACTIONS), 3, 3)), born=born,
        vanishes=supply.vanishes, poster=supply.poster, down=np.zeros(items, np.bool_),
        sought=np.zeros((len(plan.candidates), items if searches(plan) else 0), np.float32),
        rosters={n.campaign: make_roster(n, key) for c in plan.campaigns if (n := make_network(plan, c)) is not None},
        memory=None if plan.policy.refit is None else Memory.empty(items),
    )  # fmt: skip


def largest_window(plan: Plan, born: np.ndarray) -> int:
    """Most items that are ever live at once."""
    live = born[plan.lifetime :] - born[: len(born) - plan.lifetime]
    return int(max(live.max(initial=1), born[min(plan.lifetime, plan.steps)], 1)) + 1


def nominal_actions(plan: Plan) -> np.ndarray:
    """Actions in a million views at the declared mean rates: base rates until a day has been counted."""
    r = plan.scenario.response
    stays = 1 - r.skip_rate.value
    complete = stays * float(rng.exponentials(np.array([-1 / r.watched_mean.value], np.float32))[0])
    rates = [
        1.0, complete, r.like_rate.value, r.comment_rate.value, r.share_rate.value, r.follow_rate.value,
        r.open_comments_rate.value, r.hide_rate.value, r.report_rate.value, 0.45 * 1024,
    ]  # fmt: skip
    return np.array([max(1, round(rate * 1e6)) for rate in rates], np.int64)


def first_weights(recent: np.ndarray) -> np.ndarray:
    """Weights of the online logistic predictor before it has seen anything: the declared mean rates, no slopes.

    Args:
        recent: (10,) int64, actions per million views; watch time in 1/1024.

    Returns:
        (10, 3) float64.
    """
    rate = (recent / recent[0]).astype(np.float32)
    rate[-1] = rate[-1] / np.float32(1024)
    rate = np.clip(rate, np.float32(1e-6), np.float32(0.99))
    out = np.zeros((len(ACTIONS), 3))
    out[:, 0] = rng.logarithms(rate / (np.float32(1.0) - rate))
    return out
