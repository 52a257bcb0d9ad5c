"""The kernels of the feed and what each of them takes: the one place that says which arrays they read and write.

A stage is a kernel and its arguments after the first and the last visit of a block. `Feed.show_blocks` has them called one after the
other, block after block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from recsim.kernels import fatigue, look, retrieval, shadow, touch, weighing

if TYPE_CHECKING:
    from recsim.world.feed import Feed

Stage = tuple[Callable, tuple]


def of_feed(feed: Feed, step: int, start: int, thread: int) -> list[Stage]:
    """Phases 5 to 7, in order, as one thread does them.

    Args:
        step: that is simulated. start: number of the oldest live item. thread: whose buffers and tallies are written.
    """
    return [
        *([touching(feed, step, start, thread)] if feed.touches else []),
        *scoring(feed, step, start, thread),
        *(shadowing(feed, step, start, thread) if len(feed.plan.shadows) else []),
        looking(feed, step, start, thread),
    ]


def touching(feed: Feed, step: int, start: int, thread: int) -> Stage:
    """What reads ahead what a block will need."""
    state = feed.state
    return touch.touch_block, (
        feed.visits, state.latent, state.cells, feed.observed(thread), feed.tally.reached, feed.tally.met,
        np.int64(start), state.born[step + 1],
    )  # fmt: skip


def scoring(feed: Feed, step: int, start: int, thread: int) -> list[Stage]:
    """What writes the thread's scores: the policy's formula, what changes its result, the re-rankers."""
    plan, state, visits, scores = feed.plan, feed.state, feed.visits, feed.scores[thread]
    key0, key1 = feed.words
    stages: list[Stage] = []
    if feed.hoisted:
        stages.append((retrieval.hand_out_scores, (
            visits.person, visits.stratum, feed.pools.item, feed.pools.size, state.observed.inbox, feed.score,
            np.int64(start), scores,
        )))  # fmt: skip
    else:
        given = feed.given[thread : thread + 1]
        if given and feed.learner is not None:
            stages += feed.learner.matching(visits, feed.pools, state.observed.inbox, given[0])
        stages.append((plan.compiled.score_block, (
            visits.person, visits.stratum, feed.predictor.person, feed.pool_topic, feed.pool_rows, feed.pools.key,
            feed.pools.size, state.observed.inbox, feed.predictor.item, feed.rows, state.items.key, np.int64(start),
            state.cells.language, state.cells.region, feed.constants, plan.parameters, key0, key1, np.uint64(step),
            state.first_person, scores, *given,
        )))  # fmt: skip
    if feed.reach.demotes:
        stages.append((weighing.demote_block, (
            visits, feed.pools, feed.observed(thread), np.int64(start), feed.reach.beyond, feed.reach.everywhere, scores,
        )))  # fmt: skip
    if len(feed.fatigue_factors):
        stages.append((fatigue.fatigue_block, (
            visits, feed.pools, feed.observed(thread), state.items.author, np.int64(len(state.accounts.followers)),
            np.int64(start), np.int64(step), feed.fatigue_factors, scores,
        )))  # fmt: skip
    if plan.compiled.rerank_block is not None:
        stages.append((plan.compiled.rerank_block, (
            visits, feed.pools, feed.observed(thread), state.cells, state.items, feed.eligible, feed.rows,
            np.int64(start), feed.constants, plan.parameters, plan.rerank, scores,
        )))  # fmt: skip
    return stages


def shadowing(feed: Feed, step: int, start: int, thread: int) -> list[Stage]:
    """What counts what other parameters would have put first, for the same visits, before any re-ranking."""
    plan, state, visits, scores = feed.plan, feed.state, feed.visits, feed.shadow_scores[thread]
    key0, key1 = feed.words
    return [
        (plan.compiled.shadow_block, (
            visits.person, visits.stratum, feed.predictor.person, feed.pool_topic, feed.pool_rows, feed.pools.key,
            feed.pools.size, state.observed.inbox, feed.predictor.item, feed.rows, state.items.key, np.int64(start),
            state.cells.language, state.cells.region, feed.constants, plan.shadows, key0, key1, np.uint64(step),
            state.first_person, scores,
        )),
        (shadow.count_top, (
            thread, scores, visits, feed.pools, feed.observed(thread), feed.eligible, state.items.labels.candidate,
            np.int64(start), plan.scenario.audit.shadow_places, feed.tally.shadow,
        )),
    ]  # fmt: skip


def looking(feed: Feed, step: int, start: int, thread: int) -> Stage:
    """What lets people choose, look and respond, from the thread's scores."""
    plan, state = feed.plan, feed.state
    return look.look_block, (
        thread, feed.scores[thread], feed.visits, feed.pools, state.latent, state.cells, feed.observed(thread),
        state.items, state.position, feed.proof, feed.eligible, state.counters.top_comment, plan.reaction,
        np.uint64(plan.traits.population), *feed.words, np.uint64(step), state.first_person, np.int64(start),
        feed.tally,
    )  # fmt: skip
