"""The feed: item terms, retrieval, scoring and looking, in blocks of visits that fit the cache."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np

from recsim import aligned
from recsim.kernels import chain, retrieval, slate
from recsim.kernels import counters as counting
from recsim.kernels.retrieval import Quotas, Strata
from recsim.kernels.visits import assign_interest_strata, sort_by_stratum
from recsim.ranking.compile import CompiledPolicy
from recsim.rng import Decision, Key, uniforms
from recsim.state import (
    EXCLUDED,
    LABELLED,
    LIKE,
    REMOVED,
    SHARE,
    Observed,
)
from recsim.world import stages
from recsim.world.arms import FACTUAL
from recsim.world.books import Books
from recsim.world.build import State, largest_window
from recsim.world.guard import Reach
from recsim.world.item_rows import fill_row
from recsim.world.plan import Plan
from recsim.world.predict import Predictor
from recsim.world.refit import NO_SIGNALS, Learner
from recsim.world.response_plan import policy_value
from recsim.world.seen import hand_out, take_back
from recsim.world.tallies import empty_tally, with_room

BLOCK = 128
"""Visits scored together: 128 x (256 + 8) float32 scores are 135 kB and stay in a core's L2 cache."""
CACHED = 8 << 20
"""Bytes of memories of what people have been shown that stay in a core's cache between two steps."""
APART = 1 << 14
"""People from whom on it is worth it that threads share work of a few microseconds per thousand."""
FRESH = 64
SEARCH_RESULTS = 20
TIMES = {"age_h", "created_h", "created_s"}


class Feed:
    """Buffers and item terms of one world's feed."""

    def __init__(self, plan: Plan, state: State, key: Key, threads: int, books: Books | None = None) -> None:
        self.books = books or Books(plan, state, FACTUAL)
        self.plan, self.state, self.key, self.threads = plan, state, key, threads
        self.pool_of_threads = ThreadPoolExecutor(threads) if threads > 1 else None
        people, candidates = len(state.latent.visits), len(plan.candidates)
        platform = plan.scenario.platform
        self.size = platform.retrieval.pool if plan.policy.uses_pool else 16
        self.predictor = Predictor(plan, state, self.books)
        self.hoisted = plan.policy.item_only and isinstance(plan.compiled, CompiledPolicy)
        self.learner = None if plan.policy.refit is None else Learner(plan, state, key, self.books)
        topics, rows = self.predictor.item.shape[1], max(1, len(plan.compiled.rows))
        self.strata = self._strata()
        strata = len(self.strata.language)
        self.window = largest_window(plan, state.born)
        self.rows = aligned.zeros((rows, self.window), np.float32)
        self.gate_rows = np.zeros((max(1, len(plan.gate.rows)) if plan.gate else 0, self.window), np.float32)
        self.age_h = np.zeros(self.window, np.float32)
        self.score = np.zeros(self.window, np.float32)
        self.value = np.zeros(self.window, np.float32)
        self.gate_value = np.zeros(self.window, np.float32)
        self.social = np.zeros(self.window, np.float32)
        self.proof = np.zeros(self.window, np.float32)
        self.eligible = np.zeros(self.window, np.bool_)
        self.trial = np.zeros(self.window, np.bool_)
        self.codes = np.zeros(self.window, np.int64)
        languages = len(plan.languages)
        self.open_item, self.trial_item = (np.zeros((languages, self.window), np.int32) for _ in range(2))
        self.open_count, self.trial_count = (np.zeros(languages, np.int32) for _ in range(2))
        self.pools = slate.Pools(
            item=aligned.zeros((strata, self.size), np.int32), key=aligned.zeros((strata, self.size), np.uint32), source=np.zeros((strata, self.size), np.int8),
            size=np.zeros(strata, np.int32), fresh=np.zeros((strata, FRESH), np.int32),
            fresh_count=np.zeros(strata, np.int32), entry=np.zeros((candidates, SEARCH_RESULTS), np.int32),
            entry_count=np.zeros(candidates, np.int32), heated=np.zeros((strata, FRESH), np.int32),
            heated_count=np.zeros(strata, np.int32),
        )  # fmt: skip
        self.pool_topic = aligned.zeros((strata, topics, self.size), np.float32)
        self.pool_rows = aligned.zeros((strata, rows, self.size), np.float32)
        self.scores = [aligned.zeros((BLOCK, self.size + int(plan.reaction.inbox)), np.float32) for _ in range(threads)]
        shadows = len(plan.shadows)
        self.shadow_scores = [
            np.zeros((BLOCK if shadows else 0, shadows, self.scores[0].shape[1]), np.float32) for _ in range(threads)
        ]
        self.fatigue_factors = np.zeros(0, np.float32)
        if plan.policy.fatigue is not None:
            values = dict(zip(plan.compiled.parameter_names, plan.parameters.tolist(), strict=False))
            self.fatigue_factors = plan.policy.fatigue_factors(
                SimpleNamespace(**values), 1 / plan.steps_per_day, plan.steps
            )
        self.order = np.zeros(people, np.int32)
        self.visits = slate.Visits(
            np.zeros(people, np.int32), np.zeros(people, np.int32), np.zeros(people, np.int8), np.zeros(people, np.int8),
            np.full(people if plan.ads else 0, -1, np.int32),
        )  # fmt: skip
        # A large world: what its people need is in no cache.
        self.touches = state.observed.seen.nbytes > CACHED or len(state.observed.pages.last) > 0
        self.given: list[np.ndarray] = []
        if self.learner is not None and self.learner.reads_match:
            self.given = [np.zeros_like(scores) for scores in self.scores]
        signals = plan.policy.signal_bits if self.learner is not None else NO_SIGNALS
        self.tally = empty_tally(plan, people, self.window, threads, signals)
        self.parts: list[Observed] = []
        self.entries: dict[Callable, chain.Entry] = {}
        self.constants = self.predictor.constants()
        self.refresh = max(1, round(platform.retrieval.refresh_hours * plan.steps_per_day / 24))
        if "ranked" in plan.policy.sources:
            self.refresh = 1  # one page for all by the score: hours late, it would never show what came in between
        self.epoch_s = (plan.scenario.days.start - dt.date(1970, 1, 1)).days * 86_400.0
        timed = TIMES.intersection(plan.compiled.rows + (plan.gate.rows if plan.gate else ()))
        self.within_h = self._moments() if timed else np.zeros(0, np.float32)
        self.heated = np.zeros(0, np.bool_)  # (I,), what the platform pushes
        if plan.reaction.heating > 0:
            u = uniforms(key._replace(branch=0), Decision.HEATED, plan.supply.population, state.items.key)
            self.heated = u[:, 0] < np.float32(policy_value(plan.scenario, plan.policy, "heated_items"))
        self.reach = Reach(self)
        self.stale = True

    def _moments(self) -> np.ndarray:
        """(I,) float32, hours from the start of its step to an item's posting; the same in all worlds of a replicate.

        Without it all items of a step would be of one age, and the ties would go by number, that is, by author.
        """
        u = uniforms(
            self.key._replace(branch=0), Decision.ITEM_MOMENT, self.plan.supply.population, self.state.items.key
        )
        return u[:, 0] * np.float32(24 / self.plan.steps_per_day)

    def _strata(self) -> Strata:
        languages, regions = len(self.plan.languages), len(self.plan.regions)
        if self.plan.policy.stratum == "interest":
            topics = self.plan.scenario.content.topics
            pairs = [(lang, topic, -1) for lang in range(languages) for topic in range(topics)]
        else:
            pairs = [(lang, -1, region) for lang in range(languages) for region in range(regions)]
        table = np.array(pairs)
        return Strata(table[:, 0].astype(np.int8), table[:, 1].astype(np.int16), table[:, 2].astype(np.int8))

    def resume(self, other: Feed) -> None:
        """Take over the pools of the feed that this one continues: the next rebuilding comes when it would have come."""
        for mine, theirs in zip(self.pools, other.pools, strict=True):
            mine[:] = theirs
        self.pool_topic[:] = other.pool_topic
        self.stale = other.stale

    @property
    def words(self) -> tuple[np.uint64, np.uint64]:
        """Key words of this world's draws."""
        return self.key.words

    @property
    def quotas(self) -> Quotas:
        """Pool positions by source: the policy's own shares, or the scenario's."""
        r = self.plan.scenario.platform.retrieval
        shares = dict(self.plan.policy.sources) or {
            "interest": r.interest_share.value, "trending": r.trending_share.value,
            "discovery": r.discovery_share.value,
        }  # fmt: skip
        count = {name: round(share * self.size) for name, share in shares.items()}
        noise = np.float32(r.noise.value if self.plan.policy.ordering == "ratio" else 0.0)
        return Quotas(
            count.get("interest", 0) + count.get("ranked", 0), count.get("trending", 0), count.get("discovery", 0),
            count.get("regional", 0), noise,
        )  # fmt: skip

    def sort_people(self) -> None:
        """Put people into strata; once a day."""
        state = self.state
        if self.plan.policy.stratum == "interest":
            assign_interest_strata(state.observed.estimate, state.cells.language, state.observed.stratum)
        else:
            regions = len(self.plan.regions)
            state.observed.stratum[:] = state.cells.language.astype(np.int32) * regions + state.cells.region
        sort_by_stratum(state.observed.stratum, len(self.strata.language), self.order)

    def item_terms(self, step: int, start: int, end: int) -> None:
        """Phase 3: everything that depends on the item alone, once per item."""
        plan, state, count = self.plan, self.state, end - start
        hours = 24 / plan.steps_per_day
        self.age_h[:count] = (step - state.items.created[start:end]) * np.float32(hours)
        counting.proof_and_eligibility(
            start, end, self.books.visible("proof"), state.counters.stage, state.items.labels.present,
            len(self.quota_views), self.social, self.eligible, self.trial,
        )  # fmt: skip
        self.proof[:count] = plan.reaction.social_proof * self.social[:count]
        if plan.label_utility:
            labelled = (state.status[start:end] & LABELLED) > 0
            self.proof[:count] += np.where(labelled, np.float32(plan.label_utility), np.float32(0.0))
        self.constants = self.predictor.constants()
        if plan.gate is not None:
            self._apply_gate(plan.gate, step, start, end)
        self.reach.apply(start, end)
        ratio = plan.policy.ordering == "ratio"
        half_life = np.float32(plan.scenario.platform.predictor.half_life_h.value)
        # Gates may have other counts before them than the ranking; the ranking's rows are needed further on.
        doors = ("gates", "ranking") if self.books.of("gates") is not self.books.of("ranking") else ("ranking",)
        for door in doors:
            self._score_items(door, step, start, end)
            if door == doors[0]:
                counting.log_value(count, self.score, ratio, np.zeros(count, np.float32), half_life, self.gate_value)
        if self.rebuilds(step):  # nobody else asks for it
            counting.log_value(count, self.score, ratio, self.age_h, half_life, self.value)
            if self.reach.demotes and ratio:
                self.value[:count] += self.reach.log_factors(count)
            elif self.reach.demotes:  # the value is the score itself, and is lowered as in the feed
                value, factor = self.value[:count], self.reach.beyond[:count] * self.reach.everywhere[:count]
                self.value[:count] = np.where(value >= 0, value * factor, value / np.maximum(factor, np.float32(1e-6)))

    def _score_items(self, door: str, step: int, start: int, end: int) -> None:
        """The score that depends on the item alone, from the counts behind a door."""
        plan, book = self.plan, self.books.of(door)
        for number, name in enumerate(plan.compiled.rows):
            fill_row(self, name, self.rows[number], start, end, book)
        key0, key1 = self.words
        plan.compiled.score_items(
            end - start, np.int64(start), self.rows, self.state.items.key, self.constants, plan.parameters, key0, key1,
            np.uint64(step), self.score,
        )  # fmt: skip

    def _apply_gate(self, gate: CompiledPolicy, step: int, start: int, end: int) -> None:
        """The policy's own gate: what it does not let through is not recommended to anybody."""
        count = end - start
        for number, name in enumerate(gate.rows):
            fill_row(self, name, self.gate_rows[number], start, end, self.books.of("gates"))
        key0, key1 = self.words
        gate.score_items(
            count, np.int64(start), self.gate_rows, self.state.items.key, self.constants, self.plan.parameters, key0,
            key1, np.uint64(step), self.score,
        )  # fmt: skip
        passes = self.score[:count] > 0
        self.eligible[:count] &= passes
        self.trial[:count] &= passes

    @property
    def quota_views(self) -> np.ndarray:
        """(J,) float32, simulated views that fill each exposure pool; the trial pool only when gates are off.

        None for a policy that does not explore: nobody would be shown an item under trial.
        """
        if not self.plan.policy.explores:
            return np.zeros(0, np.float32)
        gates = self.plan.scenario.platform.gates
        scale = self.plan.represented * self.plan.scale
        stages = gates.stages if self.gated else gates.stages[:1]
        return np.array([max(1.0, s.viewers.value * scale) for s in stages], np.float32)

    @property
    def gated(self) -> bool:
        """Whether staged pools decide about promotion."""
        return self.plan.policy.gated and self.plan.scenario.platform.gates.mode != "off"

    def due(self, step: int) -> bool:
        """Whether what is kept for some hours is made anew in this step: pools, results of searches, what is pushed."""
        return self.stale or step % self.refresh == 0

    def rebuilds(self, step: int) -> bool:
        """Whether pools are built anew in this step."""
        return self.plan.policy.uses_pool and self.due(step)

    def retrieve(self, step: int, start: int, end: int) -> None:
        """Phase 4: pools of every stratum, rebuilt every few hours; features laid out every step.

        People search under every policy, so results are made whether there are pools or not.
        """
        rebuilt = self.rebuilds(step)
        if self.due(step):
            decayed = self.books.of("ranking").decayed
            heat = decayed[LIKE, start:end] + np.float32(3.0) * decayed[SHARE, start:end]
            if rebuilt:
                self._build_pools(step, start, end, heat)
            self._list_results(start, end, heat)
            if self.plan.reaction.heating > 0:
                self._gather_heated(start, end)
            self.stale = False
        if self.plan.policy.uses_pool and (not self.hoisted or len(self.plan.shadows)):
            retrieval.gather_pools(
                0, len(self.strata.language), np.int64(start), self.pools.item, self.predictor.item, self.rows,
                self.state.items.key, rebuilt, self.pool_topic, self.pool_rows, self.pools.key,
            )  # fmt: skip

    def _build_pools(self, step: int, start: int, end: int, heat: np.ndarray) -> None:
        """Pools of every stratum, and its items under trial, from the counts of now; heat (W,) float32: recent engagement."""
        state, count, labels = self.state, end - start, self.state.items.labels
        key0, key1 = self.words
        population = np.uint64(self.plan.supply.population)
        quotas = self.quotas
        ratio = self.plan.policy.ordering == "ratio" and self.plan.policy.stratum == "interest"
        trending_noise = np.float32(self.plan.scenario.platform.retrieval.trending_noise.value if ratio else 0.0)
        n = retrieval.trending_codes(
            count, heat, np.float32(self.plan.event_weight), self.eligible, np.int64(start), state.items.key, trending_noise, population,
            key0, key1, np.uint64(step), self.codes,
        )  # fmt: skip
        best = (0x7FFFFFFF - (np.sort(self.codes[:n])[::-1] & 0x7FFFFFFF)).astype(np.int32)
        lists = [best]
        if self.plan.policy.stratum == "region":
            spoken = labels.language[start:end][best]
            lists = [best[spoken == number] for number in range(len(self.plan.languages))]
        trending = np.full((len(lists), 2 * quotas.trending), -1, np.int32)
        for row, mine in zip(trending, lists, strict=True):
            row[: len(mine)] = mine[: len(row)]
        for wanted, places, number in (
            (self.eligible, self.open_item, self.open_count),
            (self.trial, self.trial_item, self.trial_count),
        ):
            retrieval.by_language(count, np.int64(start), labels.language, wanted, places, number)
        everywhere = np.flatnonzero(self.eligible[:count]).astype(np.int32)
        pools = self.pools
        retrieval.build_pools(
            0, len(self.strata.language), count, np.int64(start), self.strata, quotas, self.value, trending,
            self.open_item, self.open_count, self.trial_item, self.trial_count, everywhere, len(everywhere),
            state.items, population, key0, key1, np.uint64(step), pools.item, pools.source, pools.size, pools.fresh,
            pools.fresh_count,
        )  # fmt: skip

    def _list_results(self, start: int, end: int, heat: np.ndarray) -> None:
        """Results of a search for each candidate."""
        state, labels = self.state, self.state.items.labels
        there = labels.present[start:end] & ((state.status[start:end] & REMOVED) == 0)
        found = labels.candidate[start:end] >= 0
        if state.sought.shape[1]:  # whatever was picked after a search
            found |= (state.sought[:, start:end] > 0).any(axis=0)
        about = np.flatnonzero(found & there)
        retrieval.entry_lists(
            about, np.int64(start), labels.candidate, heat, state.sought, self.pools.entry, self.pools.entry_count
        )

    def _gather_heated(self, start: int, end: int) -> None:
        """The newest items of each language that the platform pushes; what is removed or excluded is not pushed."""
        labels, pools = self.state.items.labels, self.pools
        there = labels.present[start:end] & ((self.state.status[start:end] & (REMOVED | EXCLUDED)) == 0)
        for stratum, language in enumerate(self.strata.language):
            found = np.flatnonzero(there & self.heated[start:end] & (labels.language[start:end] == language))
            found = found[-pools.heated.shape[1] :]
            pools.heated[stratum, : len(found)] = start + found
            pools.heated_count[stratum] = len(found)

    def side_by_side(self, work: Callable[[int, int], None], rows: range | None = None) -> None:
        """Call ``work(low, high)`` for ranges of rows of people that make up all: one for each thread, where that is worth it.

        Args:
            work: writes what belongs to these people, and nothing else. rows: whose; None: everybody's.
        """
        rows = range(len(self.order)) if rows is None else rows
        if self.pool_of_threads is None or len(rows) < APART:
            work(rows.start, rows.stop)
            return
        edges = [rows.start + len(rows) * t // self.threads for t in range(self.threads + 1)]
        for job in [self.pool_of_threads.submit(work, *edge) for edge in itertools.pairwise(edges)]:
            job.result()

    def show(self, step: int, start: int, count: int) -> None:
        """Phases 5 to 7: score, select, look, for all visits of the step."""
        blocks = (count + BLOCK - 1) // BLOCK
        edges = [blocks * t // self.threads for t in range(self.threads + 1)]
        if blocks < 2:
            edges = [0, *[blocks] * self.threads]
        most = [(b - a) * BLOCK for a, b in itertools.pairwise(edges)]
        self.tally = with_room(self.tally, max(most) * int(self.plan.reaction.slate))
        self.parts = hand_out(self.state, most, int(self.plan.reaction.slate))
        if self.pool_of_threads is None or blocks < 2:
            self.show_blocks(step, start, count, 0, 0, blocks)
        else:
            jobs = [
                self.pool_of_threads.submit(self.show_blocks, step, start, count, t, edges[t], edges[t + 1])
                for t in range(self.threads)
            ]
            for job in jobs:
                job.result()
        take_back(self.state, self.parts)
        self.parts = []

    def observed(self, thread: int) -> Observed:
        """What the platform knows about people, as a thread reads and writes it within a step."""
        return self.parts[thread] if self.parts else self.state.observed

    def show_blocks(self, step: int, start: int, count: int, thread: int, first: int, last: int) -> None:
        """Phases 5 to 7 for blocks ``first`` to ``last - 1``, by one thread."""
        todo = stages.of_feed(self, step, start, thread)
        low, high = first * BLOCK, min(count, last * BLOCK)
        if not all(chain.is_compiled(kernel) for kernel, _ in todo):  # a policy in Python scores a block by itself
            for begin in range(low, high, BLOCK):
                for kernel, args in todo:
                    kernel(begin, min(begin + BLOCK, high), *args)
            return
        for kernel, args in todo:
            if kernel not in self.entries:  # the types of its arguments are those of this world, and never change
                self.entries[kernel] = chain.Entry(kernel, args)
        entries = tuple(self.entries[kernel] for kernel, _ in todo)
        chain.run_blocks(low, high, BLOCK, entries, tuple(args for _, args in todo))

    def score_block(self, step: int, start: int, thread: int, low: int, high: int) -> None:
        """Phase 5 for visits ``low`` to ``high - 1``: scores into the thread's buffer, re-ranked if the policy does."""
        for kernel, args in stages.scoring(self, step, start, thread):
            kernel(low, high, *args)

    def look(self, step: int, start: int, thread: int, low: int, high: int) -> None:
        """Phases 6 and 7 for visits ``low`` to ``high - 1``, from the thread's scores."""
        kernel, args = stages.looking(self, step, start, thread)
        kernel(low, high, *args)
