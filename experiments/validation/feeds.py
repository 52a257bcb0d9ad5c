"""Feeds that only the studies need: followed accounts ranked, and what people would say they want."""

from __future__ import annotations

import numpy as np

import recsim
from recsim.ranking.x_2023_04 import shifted_2023
from recsim.world.world import World

known: dict[str, World] = {}
"""The world whose people are asked; see `ask`."""


@recsim.policy(
    w_like=0.5, w_share=1.0, w_comment=13.5, w_complete=0.005, w_hide=-74.0, w_report=-369.0,
    meta={
        "title": "followed accounts, ranked by the formula of x_2023_04",
        "source": "twitter/the-algorithm-ml b852108 (weights); followed accounts alone: ours", "evidence": "[D]",
        "date": "2023-04-05", "doors": ("E1", "E2", "E3", "E5"), "uses_pool": False, "inbox": "all", "explores": False,
    },
)  # fmt: skip
def ranked_following(f, p):
    """The published weighted sum, for the very items that a chronological following feed has."""
    good = p.w_like * f.p_like + p.w_share * f.p_share + p.w_comment * f.p_comment + p.w_complete * f.p_complete
    return shifted_2023(good + p.w_hide * f.p_hide + p.w_report * f.p_report)


def ask(world: World) -> None:
    """Let `stated_preference` know the people of a world: the oracle of a survey that no platform has."""
    known["world"] = world


def typical(f, p):
    """What people say of an item on average: its quality."""
    world = known["world"]
    return world.plan.reaction.quality * world.state.items.quality[f.item.astype(np.int64)]


@recsim.array_policy(
    "person", "item",
    meta={
        "title": "what people would say they want", "source": "after Milli et al. 2025; definition ours",
        "evidence": "[D]", "ordering": "order", "inbox": "all", "item_function": typical,
    },
)  # fmt: skip
def stated_preference(f, p):
    """Utility but for what works on people without their asking for it: emotion, and the likes of others."""
    world = known["world"]
    reaction, latent, items = world.plan.reaction, world.state.latent, world.state.items
    who, item = f.person.astype(np.int64), f.item.astype(np.int64)
    candidate = items.labels.candidate[item]
    away = latent.position[who] - world.state.position[np.maximum(candidate, 0)]
    closeness = np.where(candidate >= 0, items.labels.stance[item] * (1 - (away * away).sum(axis=-1)), 0)
    wish = reaction.affinity * (latent.taste[who] * items.topic[item]).sum(axis=-1)
    return wish + reaction.quality * items.quality[item] + reaction.closeness * latent.politics[who] * closeness
