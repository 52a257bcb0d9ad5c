"""Matrix factorisation of likes by alternating least squares, with the solver of the package ``implicit``.

Source: the model of Hu, Koren, Volinsky 2008 as the package describes it: minimise sum c (p - x . y)^2 + lambda (|x|^2 + |y|^2) over all
person-item pairs, p = 1 where there was an interaction, confidence c = 1 + alpha. The package's defaults are 100 factors,
lambda 0.01, 15 iterations with 3 conjugate-gradient steps; alpha 40 is oneDAL's. 32 factors instead of 100 are ours, for
speed. Interactions are likes, shares and follows of the last two weeks.

The solver calls the machine's BLAS: results are the same bits only on the same machine with the same versions.
"""

from __future__ import annotations

import math

import numpy as np

from recsim.ranking.learned import Learned, View, distinct_pairs
from recsim.ranking.policy import policy


def factorise(view: View) -> Learned:
    """Vectors of people and live items."""
    # An optional package (the extra "als"); whether it is there is checked when a scenario is planned.
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    factors = int(view.parameters["factors"])
    item = np.zeros((view.last - view.first, factors), np.float32)
    person = np.zeros((view.people, factors), np.float32)
    pairs = distinct_pairs(view, int(view.parameters["history"]))
    if not len(pairs.items):
        return Learned(person=person, item=item)
    confidence = np.full(len(pairs.actor), 1 + view.parameters["alpha"], np.float32)
    liked = csr_matrix((confidence, (pairs.actor, pairs.place)), shape=(view.actors, len(pairs.items)))
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=factors, regularization=view.parameters["regularization"], alpha=1.0,
            iterations=int(view.parameters["iterations"]), num_threads=1, random_state=0,
        )  # fmt: skip
        model.user_factors = np.zeros((view.actors, factors), np.float32)
        model.item_factors = first_factors(view, pairs.items, factors)
        model.fit(liked, show_progress=False)
    person[:] = model.user_factors[: view.people]
    live = pairs.items >= view.first
    item[pairs.items[live] - view.first] = model.item_factors[live]
    return Learned(person=person, item=item)


def first_factors(view: View, items: np.ndarray, factors: int) -> np.ndarray:
    """Small positive starting values, each a function of the item and the step; expired items share theirs.

    Returns:
        (N, factors) float32 in [0, 0.01).
    """
    out = np.empty((len(items), factors), np.float32)
    live = items >= view.first
    for block in range(0, factors, 4):
        drawn = view.draw(block // 4)[:, : factors - block]
        out[live, block : block + 4] = drawn[items[live] - view.first]
        out[~live, block : block + 4] = np.float32(0.5)
    return out * np.float32(0.01)


@policy(
    factors=32, alpha=40.0, regularization=0.01, iterations=15, history=1000, typical=0.1,
    meta={
        "title": "matrix factorisation by alternating least squares",
        "source": "Hu, Koren, Volinsky 2008, as in implicit 0.7.2 (defaults); alpha of oneDAL; 32 factors ours",
        "evidence": "[P]", "date": "2008-12-15", "doors": ("E2", "E3"), "ordering": "order", "refit": factorise,
        "refit_hours": 24, "outside": ("implicit",),
        "ranges": {"factors": (1, 1000), "alpha": (0, math.inf), "iterations": (1, 1000), "history": (1, 1e6)},
        "positive": ("regularization",),
    },
)  # fmt: skip
def als(f, p):
    """Product of the two vectors, and a little of what people on average would get."""
    return f.match + p.typical * f.typical_match
