"""The feed: item terms, retrieval, scoring and looking, in blocks of visits that fit the cache."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from recsim.kernels import counters as counting
from recsim.kernels import look, retrieval, slate
from recsim.kernels.retrieval import Quotas, Strata
from recsim.kernels.visits import assign_interest_strata, sort_by_stratum
from recsim.ranking.vocabulary import constants
from recsim.rng import Key
from recsim.state import ACTIONS, KINDS, LIKE, SHARE, SOURCES, STOPPED, Tally
from recsim.world.build import State, largest_window
from recsim.world.plan import Plan

BLOCK = 128
"""Visits scored together: 128 x (256 + 8) float32 scores are 135 kB and stay in a core's L2 cache."""
FRESH = 64
SEARCH_RESULTS = 20
HEADS = {"like": 2, "comment": 3, "share": 4, "follow": 5, "complete": 1, "hide": 7, "report": 8, "watch": 9}


class Feed:
    """Buffers and item terms of one world's feed."""

    def __init__(self, plan: Plan, state: State, key: Key, threads: int) -> None:
        self.plan, self.state, self.key, self.threads = plan, state, key, threads
        self.pool_of_threads = ThreadPoolExecutor(threads) if threads > 1 else None
        people, candidates = plan.people, len(plan.candidates)
        platform = plan.scenario.platform
        self.size = platform.retrieval.pool if plan.policy.uses_pool else 16
        topics, rows = plan.scenario.content.topics, max(1, len(plan.compiled.rows))
        self.strata = self._strata()
        strata = len(self.strata.language)
        self.window = largest_window(plan, state.born)
        self.rows = np.zeros((rows, self.window), np.float32)
        self.age_h = np.zeros(self.window, np.float32)
        self.score = np.zeros(self.window, np.float32)
        self.value = np.zeros(self.window, np.float32)
        self.gate_value = np.zeros(self.window, np.float32)
        self.social = np.zeros(self.window, np.float32)
        self.eligible = np.zeros(self.window, np.bool_)
        self.trial = np.zeros(self.window, np.bool_)
        self.codes = np.zeros(self.window, np.int64)
        languages = len(plan.languages)
        self.open_item, self.trial_item = (np.zeros((languages, self.window), np.int32) for _ in range(2))
        self.open_count, self.trial_count = (np.zeros(languages, np.int32) for _ in range(2))
        self.pools = slate.Pools(
            item=np.zeros((strata, self.size), np.int32), key=np.zeros((strata, self.size), np.uint32), source=np.zeros((strata, self.size), np.int8),
            size=np.zeros(strata, np.int32), fresh=np.zeros((strata, FRESH), np.int32),
            fresh_count=np.zeros(strata, np.int32), entry=np.zeros((candidates, SEARCH_RESULTS), np.int32),
            entry_count=np.zeros(candidates, np.int32),
        )  # fmt: skip
        self.pool_topic = np.zeros((strata, topics, self.size), np.float32)
        self.pool_rows = np.zeros((strata, rows, self.size), np.float32)
        self.scores = [np.zeros((BLOCK, self.size + int(plan.reaction.inbox)), np.float32) for _ in range(threads)]
        self.order = np.zeros(people, np.int32)
        self.visits = slate.Visits(
            np.zeros(people, np.int32), np.zeros(people, np.int32), np.zeros(people, np.int8), np.zeros(people, np.int8)
        )
        room = max(4096, people // 4)
        self.tally = Tally(
            items=np.zeros((threads, self.window, len(ACTIONS)), np.int32),
            exposure=np.zeros((threads, len(plan.segments), candidates, 3), np.int64),
            comments=np.zeros((threads, len(plan.segments), candidates), np.int64),
            provenance=np.zeros((threads, candidates, len(KINDS), len(SOURCES)), np.int64),
            feed=np.zeros((threads, 4), np.int64), follow_person=np.zeros((threads, room), np.int32),
            follow_author=np.zeros((threads, room), np.int32), follow_count=np.zeros(threads, np.int64),
            reached=np.zeros(people, np.uint64), met=np.zeros(people, np.int32),
        )  # fmt: skip
        self.constants = self._constants()
        self.refresh = max(1, round(platform.retrieval.refresh_hours * plan.steps_per_day / 24))
        self.stale = True

    def _strata(self) -> Strata:
        languages, regions = len(self.plan.languages), len(self.plan.regions)
        if self.plan.policy.stratum == "interest":
            topics = self.plan.scenario.content.topics
            pairs = [(lang, topic, -1) for lang in range(languages) for topic in range(topics)]
        else:
            pairs = [(lang, -1, region) for lang in range(languages) for region in range(regions)]
        table = np.array(pairs)
        return Strata(table[:, 0].astype(np.int8), table[:, 1].astype(np.int16), table[:, 2].astype(np.int8))

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
            count.get("interest", 0), count.get("trending", 0), count.get("discovery", 0), count.get("regional", 0),
            noise,
        )  # fmt: skip

    def base_rates(self) -> dict[str, float]:
        """Mean rate of each head over the last full day."""
        recent = self.state.recent
        views = float(max(1, recent[0]))
        rates = {name: max(1.0, float(recent[row])) / views for name, row in HEADS.items()}
        rates["watch"] = min(rates["watch"] / 1024, 0.99)
        return rates

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
            start, end, state.counters.total, state.counters.stage, state.items.labels.present,
            len(self.quota_views), self.social, self.eligible, self.trial,
        )  # fmt: skip
        for number, name in enumerate(plan.compiled.rows):
            self._fill_row(name, self.rows[number], start, end)
        key0, key1 = self.words
        self.constants = self._constants()
        plan.compiled.score_items(
            count, np.int64(start), self.rows, state.items.key, self.constants, plan.parameters, key0, key1,
            np.uint64(step), self.score,
        )  # fmt: skip
        ratio = plan.policy.ordering == "ratio"
        half_life = np.float32(plan.scenario.platform.predictor.half_life_h.value)
        counting.log_value(count, self.score, ratio, self.age_h, half_life, self.value)
        counting.log_value(count, self.score, ratio, np.zeros(count, np.float32), half_life, self.gate_value)

    def _constants(self) -> np.ndarray:
        rates = self.base_rates()
        rates["play"] = rates["watch"] * self.plan.scenario.activity.video_length_s.value
        return constants(self.plan.scenario.platform.predictor.interest_slope.value, rates)

    def _fill_row(self, name: str, out: np.ndarray, start: int, end: int) -> None:
        """One item-level row of the vocabulary, for window items."""
        state, count = self.state, end - start
        items, counters = state.items, state.counters
        rows = slice(start, end)
        if name.startswith("logit_"):
            predictor = self.plan.scenario.platform.predictor
            head = name.removeprefix("logit_")
            prior = predictor.prior_events.value * self.plan.represented * self.plan.scale
            counting.head_logits(
                start, end, start, counters.decayed, HEADS[head], np.float32(self.base_rates()[head]),
                np.float32(prior), np.float32(predictor.cap.value), out,
            )  # fmt: skip
        elif name.startswith("n_"):
            out[:count] = counters.total[rows, ACTIONS.index(name.removeprefix("n_"))]
        elif name.startswith("d_"):
            wanted = {"views": "view"}.get(name.removeprefix("d_"), name.removeprefix("d_"))
            out[:count] = counters.decayed[ACTIONS.index(wanted), rows]
        else:
            out[:count] = {
                "age_h": lambda: self.age_h[:count],
                "created_h": lambda: items.created[rows] * np.float32(24 / self.plan.steps_per_day),
                "length_s": lambda: items.length[rows],
                "impressions": lambda: counters.total[rows, 0],
                "is_candidate": lambda: items.labels.candidate[rows] >= 0,
                "stage": lambda: np.where(counters.stage[rows] == STOPPED, -1, counters.stage[rows]),
                "language": lambda: items.labels.language[rows],
                "region": lambda: items.labels.region[rows],
                "author_followers": lambda: state.accounts.followers[items.author[rows]],
            }[name]()

    @property
    def quota_views(self) -> np.ndarray:
        """(J,) float32, simulated views that fill each exposure pool; the trial pool only when gates are off."""
        gates = self.plan.scenario.platform.gates
        scale = self.plan.represented * self.plan.scale
        stages = gates.stages if self.gated else gates.stages[:1]
        return np.array([max(1.0, s.viewers.value * scale) for s in stages], np.float32)

    @property
    def gated(self) -> bool:
        """Whether staged pools decide about promotion."""
        return self.plan.policy.gated and self.plan.scenario.platform.gates.mode != "off"

    def retrieve(self, step: int, start: int, end: int) -> None:
        """Phase 4: pools of every stratum, rebuilt every few hours; features laid out every step."""
        state, count = self.state, end - start
        key0, key1 = self.words
        population = np.uint64(self.plan.supply.population)
        decayed = state.counters.decayed
        heat = decayed[LIKE, start:end] + np.float32(3.0) * decayed[SHARE, start:end]
        rebuilt = self.stale or step % self.refresh == 0
        if rebuilt and self.plan.policy.uses_pool:
            quotas = self.quotas
            ratio = self.plan.policy.ordering == "ratio" and self.plan.policy.stratum == "interest"
            trending_noise = np.float32(self.plan.scenario.platform.retrieval.trending_noise.value if ratio else 0.0)
            n = retrieval.trending_codes(
                count, self.value, heat, self.eligible, np.int64(start), state.items.key, trending_noise, population,
                key0, key1, np.uint64(step), self.codes,
            )  # fmt: skip
            best = np.sort(self.codes[:n])[::-1][: 2 * quotas.trending]
            trending = (0x7FFFFFFF - (best & 0x7FFFFFFF)).astype(np.int32)
            labels = state.items.labels
            for wanted, places, number in (
                (self.eligible, self.open_item, self.open_count),
                (self.trial, self.trial_item, self.trial_count),
            ):
                retrieval.by_language(count, np.int64(start), labels.language, wanted, places, number)
            everywhere = np.flatnonzero(self.eligible[:count]).astype(np.int32)
            retrieval.build_pools(
                0,
                len(self.strata.language),
                count,
                np.int64(start),
                self.strata,
                quotas,
                self.value,
                trending,
                self.open_item,
                self.open_count,
                self.trial_item,
                self.trial_count,
                everywhere,
                len(everywhere),
                state.items,
                population,
                key0,
                key1,
                np.uint64(step),
                self.pools.item,
                self.pools.source,
                self.pools.size,
                self.pools.fresh,
                self.pools.fresh_count,
            )
            about = np.flatnonzero((labels.candidate[start:end] >= 0) & labels.present[start:end])
            retrieval.entry_lists(
                about, np.int64(start), labels.candidate, heat, self.pools.entry, self.pools.entry_count
            )
            self.stale = False
        if self.plan.policy.uses_pool:
            retrieval.gather_pools(
                0, len(self.strata.language), np.int64(start), self.pools.item, state.items.topic, self.rows,
                state.items.key, rebuilt, self.pool_topic, self.pool_rows, self.pools.key,
            )  # fmt: skip

    def show(self, step: int, start: int, count: int) -> None:
        """Phases 5 to 7: score, select, look, for all visits of the step."""
        blocks = (count + BLOCK - 1) // BLOCK
        edges = [blocks * t // self.threads for t in range(self.threads + 1)]
        if self.pool_of_threads is None or blocks < 2:
            self._show_blocks(step, start, count, 0, 0, blocks)
            return
        jobs = [
            self.pool_of_threads.submit(self._show_blocks, step, start, count, t, edges[t], edges[t + 1])
            for t in range(self.threads)
        ]
        for job in jobs:
            job.result()

    def _show_blocks(self, step: int, start: int, count: int, thread: int, first: int, last: int) -> None:
        for block in range(first, last):
            low, high = block * BLOCK, min(count, (block + 1) * BLOCK)
            self.score_block(step, start, thread, low, high)
            self.look(step, start, thread, low, high)

    def score_block(self, step: int, start: int, thread: int, low: int, high: int) -> None:
        """Phase 5 for visits ``low`` to ``high - 1``: scores into the thread's buffer, re-ranked if the policy does."""
        plan, state, visits = self.plan, self.state, self.visits
        key0, key1 = self.words
        plan.compiled.score_block(
            low, high, visits.person, visits.stratum, state.observed.estimate, self.pool_topic, self.pool_rows,
            self.pools.key, self.pools.size, state.observed.inbox, state.items.topic, self.rows, state.items.key,
            np.int64(start), state.cells.language, state.cells.region, self.constants, plan.parameters, key0,
            key1, np.uint64(step), self.scores[thread],
        )  # fmt: skip
        if plan.compiled.rerank_block is not None:
            plan.compiled.rerank_block(
                low, high, visits, self.pools, state.observed, state.cells, state.items, self.eligible, self.rows,
                np.int64(start), self.constants, plan.parameters, plan.rerank, self.scores[thread],
            )  # fmt: skip

    def look(self, step: int, start: int, thread: int, low: int, high: int) -> None:
        """Phases 6 and 7 for visits ``low`` to ``high - 1``, from the thread's scores."""
        plan, state = self.plan, self.state
        key0, key1 = self.words
        look.look_block(
            low, high, thread, self.scores[thread], self.visits, self.pools, state.latent, state.cells,
            state.observed, state.items, state.position, self.social, self.eligible, state.counters.top_comment,
            plan.reaction, np.uint64(plan.traits.population), key0, key1, np.uint64(step), np.int64(start), self.tally,
        )  # fmt: skip
