"""How unequally views fall on items, on their creators and, of candidates' content, on people."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recsim.metrics import LORENZ_POINTS, gini, lorenz
from recsim.state import ADVERTISEMENT
from recsim.world.shards import of_all
from recsim.world.world import World


def lorenz_table(world: World) -> pd.DataFrame:
    """Points of three Lorenz curves over all days of the world; views are those of people.

    Items are those live at some time in these days, advertisements left out; creators their authors; people all people,
    with their impressions of content about candidates. Nobody and nothing that was not seen is left out.
    """
    plan, state = world.plan, world.state
    low = int(state.born[max(0, world.first_step + 1 - plan.lifetime)])
    high = int(state.born[world.now])
    content = state.items.labels.present[low:high] & (state.items.labels.kind[low:high] != ADVERTISEMENT)
    views = (state.counters.human[:, 0] - world.viewed)[low:high][content].astype(float)
    author = state.items.author[low:high][content]
    by_author = np.bincount(author, weights=views)[np.unique(author)] if len(author) else np.zeros(0)
    (met,) = of_all(state.exchange, world.feed.tally.met)
    units = {"items": views, "creators": by_author, "people": met.astype(float)}
    points = np.array(LORENZ_POINTS)
    return world.record._frame(
        {
            "of": np.repeat(np.array(list(units), object), len(points)),
            "smallest": np.tile(points, len(units)),
            "held": np.concatenate([lorenz(values) for values in units.values()]),
            "gini": np.repeat([gini(values) for values in units.values()], len(points)),
        }
    )
