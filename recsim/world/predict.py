"""Prediction of actions: empirical-Bayes rates, online logistic regression, or the oracle, behind one interface.

A predicted chance has an item-level part (a row) and a part of person and item (the product of two vectors). For
the first two the vectors are learned interest and topics. For the oracle they hold everything in the response model that
couples a person with an item, so the same score loop gives the true chances.
"""

from __future__ import annotations

import numpy as np

from recsim.kernels import counters as counting
from recsim.kernels import predictor as learning
from recsim.ranking.vocabulary import TRUTHS, constants
from recsim.state import LABELLED
from recsim.world.books import Book, Books
from recsim.world.build import State
from recsim.world.plan import Plan

HEADS = {"like": 2, "comment": 3, "share": 4, "follow": 5, "complete": 1, "hide": 7, "report": 8, "watch": 9}
RIDGE = 10.0


class Predictor:
    """The platform's predictor in one world.

    Attributes:
        person: (U, D') float32; item: (I, D') float32: their product is the pair part.
        rates: mean rate of each head over the last full day, as of the step whose constants were made last.
    """

    def __init__(self, plan: Plan, state: State, books: Books) -> None:
        self.plan, self.state, self.books, self.kind = plan, state, books, plan.predictor
        if self.kind == "oracle":
            self.person, self.item = true_vectors(plan, state)
        else:
            self.person, self.item = state.observed.estimate, state.items.topic
        self.rates = self.base_rates()

    def base_rates(self) -> dict[str, float]:
        """Mean rate of each head over the last full day."""
        recent = self.books.of("learning").recent
        views = float(max(1, recent[0]))
        rates = {name: max(1.0, float(recent[row])) / views for name, row in HEADS.items()}
        rates["watch"] = min(rates["watch"] / 1024, 0.99)
        return rates

    def constants(self) -> np.ndarray:
        """Constants of the score loop for this step."""
        plan, r = self.plan, self.plan.reaction
        self.rates = self.base_rates()
        rates = dict(self.rates)
        rates["play"] = rates["watch"] * plan.scenario.activity.video_length_s.value
        truths = None
        if self.kind == "oracle":
            truths = {name: float(getattr(r, name.removeprefix("true_"))) for name in TRUTHS}
        return constants(plan.scenario.platform.predictor.interest_slope.value, rates, truths)

    def logits(self, head: str, book: Book, start: int, end: int, out: np.ndarray) -> None:
        """Item-level log odds of one action for window items from a book's counts; out (W,) float32, written."""
        state, config = self.state, self.plan.scenario.platform.predictor
        if self.kind == "logistic":
            learning.logistic_logits(start, end, start, book.total, HEADS[head], state.head_weight, out)
            return
        prior = config.prior_events.value * self.plan.represented * self.plan.scale
        counting.head_logits(
            start, end, start, book.decayed, HEADS[head], np.float32(self.rates[head]),
            np.float32(prior), np.float32(config.cap.value), out,
        )  # fmt: skip

    def utility(self, start: int, end: int, social: np.ndarray, out: np.ndarray) -> None:
        """The oracle's item-level row; out (W,) float32, written."""
        r = self.plan.reaction
        learning.true_utility(
            start, end, start, self.state.items.quality, social, r.quality, r.social_proof,
            np.float32(r.typical_utility + r.language_mismatch), out,
        )  # fmt: skip
        if self.plan.label_utility:
            labelled = (self.state.status[start:end] & LABELLED) > 0
            out[: end - start] += np.where(labelled, np.float32(self.plan.label_utility), np.float32(0.0))

    def learn(self, start: int, end: int, keep: float) -> None:
        """Refit on the step's events; before they are folded into ``state.counted``.

        Args:
            start, end: live window. keep: share of older evidence that is kept, 0-1.
        """
        if self.kind == "logistic":
            state, book = self.state, self.books.of("learning")
            learning.fit_heads(
                start, end, book.counted, book.total, keep, RIDGE, state.head_weight, state.head_precision
            )


def true_vectors(plan: Plan, state: State) -> tuple[np.ndarray, np.ndarray]:
    """Vectors whose product is the part of true utility that depends on person and item.

    Coordinates: topics; response to emotion; one per language (a shared language takes the mismatch back); four that
    multiply out to interest x stance x (1 - squared distance to the candidate); last, the person's propensity to act,
    which no item has and the score loop reads apart.

    Returns:
        (U, D + L + 6) and (I, D + L + 6) float32.
    """
    r, latent, items, labels = plan.reaction, state.latent, state.items, state.items.labels
    people, topics = latent.taste.shape
    languages = len(plan.languages)
    width = topics + languages + 6
    person = np.zeros((people, width), np.float32)
    item = np.zeros((len(items.id), width), np.float32)
    person[:, :topics] = r.affinity * latent.taste
    item[:, :topics] = items.topic
    person[:, topics] = r.emotion * latent.susceptibility
    item[:, topics] = items.emotion
    spoken = np.arange(languages)
    person[:, topics + 1 : topics + 1 + languages] = r.language_mismatch * (state.cells.language[:, None] == spoken)
    item[:, topics + 1 : topics + 1 + languages] = labels.language[:, None] == spoken
    at = topics + 1 + languages
    x, y = latent.position.T
    weight = r.closeness * latent.politics
    one, two = np.float32(1.0), np.float32(2.0)
    person[:, at : at + 4] = np.stack([weight * (one - (x * x + y * y)), two * weight * x, two * weight * y, weight], 1)
    about = labels.candidate >= 0
    cx, cy = state.position[np.maximum(labels.candidate, 0)].T
    stance = np.where(about, labels.stance, 0).astype(np.float32)
    item[:, at : at + 4] = np.stack([stance, stance * cx, stance * cy, -stance * (cx * cx + cy * cy)], 1)
    person[:, -1] = latent.bias
    return person, item
