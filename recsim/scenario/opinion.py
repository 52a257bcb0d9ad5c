"""The optional opinion layer: what exposure would do to votes *if* it had an effect of a stated size. Off by default."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from recsim.scenario.quantity import NonNegative, Points, PointsBelow50, Quantity, Share, SignedShare, Strict, assumed


def _rising_from_zero(sweep: list[Quantity]) -> list[Quantity]:
    values = [q.value for q in sweep]
    if not values or values[0] != 0 or any(b <= a for a, b in pairwise(values)):
        got = ", ".join(f"{v:g}" for v in values)
        raise ValueError(f"got the effect sizes [{got}]; they must begin with 0 and rise")
    if any(q.range is not None for q in sweep):
        raise ValueError(
            "got an effect size with a range; an effect size is one value of the sweep, add it to the list"
        )
    return sweep


_SWEEP: Any = (Field(max_length=16), AfterValidator(_rising_from_zero))


def _sizes(*values: float) -> list[Quantity]:
    return [assumed(value) for value in values]


class StanceWeights(Strict):
    """What one impression of each stance counts for the candidate it is about, in persuasion."""

    supportive: SignedShare = Field(assumed(1.0), description="weight of a supportive impression, -1 to 1")
    neutral: SignedShare = Field(
        assumed(0.0), description="weight of a neutral impression, -1 to 1 (1: mere exposure, whatever is said)"
    )
    critical: SignedShare = Field(
        assumed(0.0), description="weight of a critical impression, -1 to 1 (-1: persuades against)"
    )


class Media(Strict):
    """A traditional outlet as a comparator: the same effect per message, another channel."""

    reach: Share = Field(assumed(0.6, 0.4, 0.8), description="share of people whom the outlet reaches, 0-1")
    position: Share = Field(
        assumed(0.5, 0.0, 1.0),
        description="where the outlet stands on the line from the centre (0) to the candidate it leans to (1)",
    )
    distortion: Share = Field(
        assumed(0.5, 0.0, 1.0), description="share of its messages that go to candidates near it, not to all alike, 0-1"
    )
    messages_per_day: NonNegative = Field(
        assumed(3.0, 1.0, 10.0), description="supportive messages about candidates to a person reached, messages/day"
    )


class Opinion(Strict):
    """Votes under assumed effect sizes, swept from zero: never a finding, never an input of anything else."""

    enabled: bool = Field(False, description="whether the layer is computed; it changes no other result")
    persuasion_pp: Annotated[list[PointsBelow50], *_SWEEP] = Field(
        default_factory=lambda: _sizes(0.0, 0.1, 0.5, 2.0),
        description="points by which one hundred impressions move a voter who stands at one half, percentage points",
    )
    mobilisation_pp: Annotated[list[Points], *_SWEEP] = Field(
        default_factory=lambda: _sizes(0.0, 0.1, 0.2, 0.4),
        description="turnout that one hundred supportive impressions add to her candidate, percentage points",
    )
    demobilisation_pp: Annotated[list[Points], *_SWEEP] = Field(
        default_factory=lambda: _sizes(0.0, 0.1, 0.2, 0.4),
        description="turnout that one hundred critical or demobilising impressions take from her candidate, percentage points",
    )
    confidence_radius: NonNegative = Field(
        assumed(1.0, 0.5, 2.0),
        description="only messages about candidates nearer than this count; they lie on a circle of radius 1 (0: none count)",
    )
    turnout: Share = Field(assumed(0.5), description="share of people who vote without any effect, 0-1")
    stances: StanceWeights = Field(default_factory=StanceWeights, description="what impressions count in persuasion")
    media: Media = Field(default_factory=Media, description="a traditional outlet to compare with")

    @model_validator(mode="after")
    def _some_effect(self) -> Opinion:
        if self.enabled and not any(
            len(s) > 1 for s in (self.persuasion_pp, self.mobilisation_pp, self.demobilisation_pp)
        ):
            raise ValueError(
                "got no effect size above 0; add one to persuasion_pp, mobilisation_pp or demobilisation_pp"
            )
        return self
