"""What a policy may read of an item, whoever looks: rows of the vocabulary, filled once per item and step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recsim.kernels import counters as counting
from recsim.state import ACTIONS, HIDE, LIKE, REPORT, STOPPED

if TYPE_CHECKING:
    from recsim.world.books import Book
    from recsim.world.feed import Feed


def fill_row(feed: Feed, name: str, out: np.ndarray, start: int, end: int, book: Book) -> None:
    """One row for the items of the live window.

    Counts are those of one real item: published formulas add and compare them with numbers of their own, so what is
    counted of a sample of people, on an item that stands for several, is scaled up first.

    Args:
        feed: of the world. name: of the row, see `recsim.ranking.vocabulary`. out: (W,) float32, written.
        start, end: the window. book: whose counts.
    """
    if feed.learner is not None and (name == "typical_match" or name in feed.plan.policy.learns):
        feed.learner.fill_row(name, out, start, end)
        return
    state, count, rows = feed.state, end - start, slice(start, end)
    real = feed.plan.event_weight
    items, labels, hours = state.items, state.items.labels, np.float32(24 / feed.plan.steps_per_day)
    if name.startswith("against_"):
        feed.predictor.logits(name.removeprefix("against_"), book, start, end, out)
        counting.odds_against(count, out)
    elif name == "utility":
        feed.predictor.utility(start, end, feed.social, out)
    elif name.startswith("n_"):
        out[:count] = book.events(rows, ACTIONS.index(name.removeprefix("n_"))) * real
    elif name.startswith("d_"):
        wanted = {"views": "view"}.get(name.removeprefix("d_"), name.removeprefix("d_"))
        out[:count] = book.decayed[ACTIONS.index(wanted), rows] * real
    else:
        out[:count] = {
            "age_h": lambda: feed.age_h[:count] + (hours - feed.within_h[rows]),
            "created_h": lambda: items.created[rows] * hours + feed.within_h[rows],
            "created_s": lambda: (
                feed.epoch_s + items.created[rows] * (86_400.0 / feed.plan.steps_per_day) + feed.within_h[rows] * 3600.0
            ),
            "ups": lambda: book.events(rows, LIKE) * real + 1,
            "downs": lambda: (book.events(rows, HIDE) + book.events(rows, REPORT)) * real,
            "length_s": lambda: items.length[rows],
            "impressions": lambda: book.events(rows, 0) * real,
            "item": lambda: np.arange(start, end),
            "topic": lambda: items.primary[rows],
            "candidate": lambda: labels.candidate[rows],
            "stance": lambda: labels.stance[rows],
            "author": lambda: items.author[rows],
            "is_candidate": lambda: labels.candidate[rows] >= 0,
            "stage": lambda: np.where(state.counters.stage[rows] == STOPPED, -1, state.counters.stage[rows]),
            "language": lambda: labels.language[rows],
            "region": lambda: labels.region[rows],
            "author_followers": lambda: state.accounts.followers[items.author[rows]],
        }[name]()
