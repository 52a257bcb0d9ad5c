"""Scoring and selection by themselves, beside blocked NumPy and the machine's peak, one thread, in one run.

    python -m benchmarks.scoring [--rounds 7]

Both rows go through what a world uses: a policy compiled from a plain function, and the exact selection that counts what
shadow policies would have put first. There is no special kernel for dot products.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from benchmarks.machine import MULTIPLY_ADDS, multiply_adds
from benchmarks.policies import PEOPLE, POOL, STRATA, TOPICS, numpy_block, world
from benchmarks.rounds import Row, interleaved, rates, reference, spread
from recsim.kernels.shadow import count_top
from recsim.kernels.slate import Pools, Visits
from recsim.ranking.compile import compile_policy
from recsim.ranking.policy import Policy, policy
from recsim.state import Observed
from recsim.world.feed import BLOCK

TOP = 10
SIZE = PEOPLE // STRATA
F = np.float32


@policy(meta={"inbox": "none", "ordering": "order"})
def dot_product(f, p):
    """Known interest times topics: the plain dot product."""
    return f.affinity


def chance(odds):
    """Logistic."""
    return 1.0 / (1.0 + math.exp(-odds))


@policy(
    w_like=1.0, w_comment=5.0, w_share=3.0, w_follow=4.0, w_complete=0.5, w_play=0.02, w_hide=-20.0, w_report=-100.0,
    w_quote=4.0, w_click=0.3, w_profile=2.0, w_save=3.0, slope=0.6, quote=-5.0, click=-1.0, profile=-3.0, save=-4.0,
    meta={"inbox": "none", "ordering": "order"},
)  # fmt: skip
def twelve_heads(f, p):
    """Eight predicted actions of the vocabulary, and four with logistic models of the policy's own."""
    interest = p.slope * f.affinity
    good = p.w_like * f.p_like + p.w_comment * f.p_comment + p.w_share * f.p_share + p.w_follow * f.p_follow
    good = good + p.w_complete * f.p_complete + p.w_play * f.e_play
    own = p.w_quote * chance(p.quote + interest + 0.01 * f.n_comment) + p.w_click * chance(p.click + interest)
    own = own + p.w_profile * chance(p.profile + interest - 0.02 * f.age_h) + p.w_save * chance(p.save + 1.5 * interest)
    return good + own + p.w_hide * f.p_hide + p.w_report * f.p_report


class Scorer:
    """A policy's compiled score loop over made-up people, a block of visits at a time, without inboxes."""

    def __init__(self, made: Policy) -> None:
        self.policy, self.compiled = made, compile_policy(made)
        self.world = world(self.compiled.rows)
        self.inbox = np.zeros((PEOPLE, 0), np.int32)
        self.scores = np.zeros((BLOCK, POOL), F)
        self.parameters = self.compiled.vector({})

    def block(self, low: int) -> np.ndarray:
        """Scores of visits ``low`` to ``low + BLOCK - 1``, (B, P) float32."""
        d, one = self.world, np.uint64(1)
        self.compiled.score_block(
            low, low + BLOCK, d.person, d.stratum, d.estimate, d.pool_topic, d.pool_rows, d.pool_key, d.pool_count,
            self.inbox, d.topic, d.rows, d.key, np.int64(0), d.language, d.region, d.constants, self.parameters,
            one, one, one, np.uint64(0), self.scores,
        )  # fmt: skip
        return self.scores

    def all(self) -> None:
        """Scores of everybody."""
        for low in range(0, PEOPLE, BLOCK):
            self.block(low)


class Selection:
    """The exact best ten of every visit, counted by a label of the items, as shadow policies are."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer, d = scorer, scorer.world
        d.item = np.sort(np.argsort(np.random.default_rng(2).random((STRATA, len(d.key))))[:, :POOL]).astype(np.int32)
        d.pool_topic = np.ascontiguousarray(d.topic[d.item].transpose(0, 2, 1))
        self.label = (np.arange(len(d.key)) % 13).astype(np.int8)
        none = np.zeros((0, 0), np.int32)
        nobody, nothing = np.zeros(0, np.int8), np.zeros(0, np.int32)
        self.visits = Visits(d.person, d.stratum, nobody, nobody, nothing)
        self.pools = Pools(
            d.item,
            d.pool_key,
            np.zeros(d.item.shape, np.int8),
            d.pool_count,
            none,
            nothing,
            none,
            nothing,
            none,
            nothing,
        )
        self.observed = Observed(
            d.estimate, d.stratum, scorer.inbox, nothing, np.zeros((PEOPLE, (len(d.key) + 63) // 64), np.uint64), nothing,
            np.zeros(0, np.uint8), none, none, none,
        )  # fmt: skip
        self.eligible = np.ones(len(d.key), np.bool_)
        self.counts = np.zeros((1, 1, 13 + 2), np.int64)

    def all(self) -> np.ndarray:
        """Score and select for everybody; items among the best ten by label, (13,) int64."""
        self.counts[:] = 0
        for low in range(0, PEOPLE, BLOCK):
            scores = self.scorer.block(low)
            count_top(
                low, low + BLOCK, 0, scores[:, None], self.visits, self.pools, self.observed, self.eligible, self.label,
                np.int64(0), TOP, self.counts,
            )  # fmt: skip
        return self.counts[0, 0, :13]

    def numpy(self, checked: bool) -> np.ndarray:
        """The same in NumPy: a product and a partition for each block of people with one pool.

        Args:
            checked: whether it also looks up what each person was shown and what may be ranked, as recsim always does.
        """
        d, counts = self.scorer.world, np.zeros(13, np.int64)
        for s in range(STRATA):
            who = slice(s * SIZE, (s + 1) * SIZE)
            item = d.item[s]
            score = d.estimate[who] @ d.pool_topic[s]
            if checked:
                bits = self.observed.seen[who][:, item >> 6] >> (item & 63).astype(np.uint64)
                score = np.where((bits & np.uint64(1)) | ~self.eligible[item], -np.inf, score)
            best = np.argpartition(score, POOL - TOP, axis=1)[:, POOL - TOP :]
            counts += np.bincount(self.label[item][best].ravel(), minlength=13)
        return counts


def dot_row(rounds: int) -> list[Row]:
    """Score by plain dot product and take the exact best ten of 256."""
    scorer = Scorer(dot_product)
    selection = Selection(scorer)
    if not np.array_equal(selection.all(), selection.numpy(True)):
        raise RuntimeError("recsim and NumPy disagree about the best ten")
    turns = 2_000_000
    spent = interleaved(
        {
            "recsim": selection.all, "score only": scorer.all, "numpy": lambda: selection.numpy(False),
            "numpy, checked": lambda: selection.numpy(True), "product only": lambda: product_only(scorer),
            "peak": lambda: multiply_adds(turns),
        },
        rounds,
    )  # fmt: skip
    pairs = PEOPLE * POOL
    mine, peak = rates(pairs, spent["recsim"]), rates(turns * MULTIPLY_ADDS / TOPICS, spent["peak"])
    scored = rates(pairs, spent["score only"])
    settings = {"people": PEOPLE, "P": POOL, "D": TOPICS, "K": TOP, "threads": 1}
    own, checked, plain, product = (
        rates(pairs, spent[n]) for n in ("score only", "numpy, checked", "numpy", "product only")
    )
    part = spread([a / b for a, b in zip(mine, peak, strict=True)])
    return [
        Row(
            "Scoring and selection alone", "dot product, exact best 10", "pairs/s", spread(mine), "processor", settings,
            [
                reference("NumPy, the same work", mine, checked),
                reference("NumPy without looking up what was shown", mine, plain),
                reference("peak: multiply-adds of one core over D", mine, peak),
            ],
            f"{100 * part.median:.1f} % of the peak",
        ),
        Row(
            "Scoring and selection alone", "dot product, scores only", "pairs/s", spread(own), "processor", settings,
            [
                reference("NumPy, matrix product only", own, product),
                reference("peak: multiply-adds of one core over D", scored, peak),
            ],
            f"{100 * spread([a / b for a, b in zip(scored, peak, strict=True)]).median:.1f} % of the peak",
        ),
    ]  # fmt: skip


def product_only(scorer: Scorer) -> None:
    """The same scores as matrix products."""
    d = scorer.world
    for s in range(STRATA):
        d.estimate[s * SIZE : (s + 1) * SIZE] @ d.pool_topic[s]


def heads_row(rounds: int) -> list[Row]:
    """Scores of a policy of twelve predicted actions."""
    scorer = Scorer(twelve_heads)
    array = numpy_block(twelve_heads, scorer.compiled.rows, scorer.world)
    people = scorer.world.person

    def numpy() -> None:
        for s in range(STRATA):
            array(people[s * SIZE : (s + 1) * SIZE], s)

    if not np.allclose(scorer.block(0)[:SIZE], array(people[:SIZE], 0), rtol=1e-3, atol=1e-3):
        raise RuntimeError("recsim and NumPy disagree about the scores")
    spent = interleaved({"recsim": scorer.all, "numpy": numpy}, rounds)
    pairs = PEOPLE * POOL
    mine, theirs = rates(pairs, spent["recsim"]), rates(pairs, spent["numpy"])
    return [
        Row(
            "Scoring and selection alone", "value policy of 12 predicted actions, scores only", "pairs/s", spread(mine),
            "processor", {"people": PEOPLE, "P": POOL, "D": TOPICS, "heads": 12, "threads": 1},
            [reference("NumPy, blocks of 128 people", mine, theirs)],
            "8 of the vocabulary, 4 with logistic models of the policy's own",
        )
    ]  # fmt: skip


def rows(rounds: int) -> list[Row]:
    """All rows of this file."""
    return [*dot_row(rounds), *heads_row(rounds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    for row in rows(options.rounds):
        print(row)


if __name__ == "__main__":
    main()
