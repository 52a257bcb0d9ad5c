"""Blocks of a scenario about the platform: retrieval, prediction, gates, learning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from recsim.scenario.quantity import AnyNumber, NonNegative, Off, Positive, Share, Strict, assumed

GateMode = Annotated[Literal["off", "soft", "hard"], Off]
GATE_MODES: tuple[GateMode, ...] = ("off", "soft", "hard")


class Retrieval(Strict):
    """Where the shared pool of a stratum comes from; the shares add up to 1."""

    pool: int = Field(256, ge=16, le=2048, description="items in the pool of a stratum, items")
    slate: int = Field(50, ge=1, le=200, description="positions of the slate of a visit, positions")
    interest_share: Share = Field(assumed(0.8), description="pool share from the stratum's topic, 0-1")
    trending_share: Share = Field(assumed(0.05), description="pool share from recent engagement, 0-1")
    discovery_share: Share = Field(assumed(0.15), description="pool share drawn from all eligible items, 0-1")
    refresh_hours: float = Field(3.0, gt=0, description="hours between rebuilds of a pool, hours")
    noise: NonNegative = Field(assumed(1.0, 0.7, 1.3), description="Gumbel noise on log value at retrieval, log units")
    trending_noise: NonNegative = Field(
        assumed(2.0, 1.5, 2.5), description="Gumbel noise on log recent engagement for trending items, log units"
    )

    @model_validator(mode="after")
    def _adds_up(self) -> Retrieval:
        total = self.interest_share.value + self.trending_share.value + self.discovery_share.value
        if abs(total - 1) > 1e-6:
            raise ValueError(f"got retrieval shares that add up to {total:g}, must add up to 1")
        return self


class Stage(Strict):
    """One staged exposure pool (practitioner-reported, not official)."""

    viewers: Positive = Field(description="viewers of the pool per real item, people")
    pass_share: Share = Field(description="share of items that pass on to the next pool, 0-1")


def _stages() -> list[Stage]:
    return [
        Stage(viewers=assumed(300, 200, 500), pass_share=assumed(0.25)),
        Stage(viewers=assumed(1500, 1000, 3000), pass_share=assumed(0.30)),
        Stage(viewers=assumed(7500, 5000, 15000), pass_share=assumed(0.30)),
    ]


class Gates(Strict):
    """Staged exposure pools: every item is tried on few people and promoted if they respond."""

    mode: GateMode = Field(
        "soft", description="off: none beyond the first pool; soft: logistic in log value; hard: threshold"
    )
    slope: Positive = Field(assumed(3, 1.5, 6), description="slope of a soft gate, per log unit of value")
    stages: list[Stage] = Field(
        default_factory=_stages,
        min_length=1,
        max_length=4,
        description="pools in order, smallest first; the first one tries new items",
    )


class Predictor(Strict):
    """How the platform predicts actions.

    ``rates``: empirical-Bayes rates of the item, moved by learned interest. ``logistic``: logistic regression on the
    item's counters, refitted every step, moved by learned interest. ``oracle``: the response model's own chances; an
    upper bound that no platform has.
    """

    kind: Literal["rates", "logistic", "oracle"] = Field(
        "rates", description="predictor of actions; results must not hang on one"
    )

    prior_events: Positive = Field(
        assumed(200, 20, 2000, log=True), description="strength of the prior of each head, events per real item"
    )
    cap: Positive = Field(assumed(4, 3, 6), description="largest predicted rate, multiples of the head's base rate")
    interest_slope: NonNegative = Field(
        assumed(1.0, 0.5, 1.5), description="slope of the log odds of an action on learned interest"
    )
    half_life_h: Positive = Field(assumed(36, 24, 72), description="half-life of engagement in item value, hours")
    learning_rate: Share = Field(assumed(0.05, 0.02, 0.1), description="step of the interest estimate per response")
    initial_accuracy: Share = Field(
        assumed(0.5, 0.3, 0.7), description="how much of a person's taste the platform knows at the start, 0-1"
    )


class MitigationUse(Strict):
    """One mitigation around the policy."""

    kind: str = Field(description="name of the mitigation, see recsim list mitigations")
    parameters: dict[str, AnyNumber] = Field(default_factory=dict, description="its parameters, by name")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: object) -> object:
        return {"kind": raw} if isinstance(raw, str) else raw


class Platform(Strict):
    """The recommender system as configured."""

    policy: str = Field("tiktok_value", description="ranking policy: a name, or package.module:function")
    parameters: dict[str, AnyNumber] = Field(default_factory=dict, description="parameters of the policy, by name")
    rerank: list[str] | None = Field(
        None, description="re-rankers in place of the policy's own, in order: names, or package.module:function"
    )
    rerank_top: int | None = Field(
        None, ge=1, le=400, description="best entries of a visit that are re-ranked (default: the policy's own number)"
    )
    mitigations: list[MitigationUse] = Field(
        default_factory=list, description="measures around the policy, in any order: names, or kind and parameters"
    )
    exploration_share: Share = Field(assumed(0.05, 0.03, 0.1), description="slate positions given to new items, 0-1")
    retrieval: Retrieval = Field(default_factory=Retrieval, description="sources of the pool")
    gates: Gates = Field(default_factory=Gates, description="staged exposure pools")
    predictor: Predictor = Field(default_factory=Predictor, description="prediction of actions")
