"""What the opinion layer makes of one world: expected votes from the impressions of its campaign window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recsim.agents.people import DISTANCE_WITHIN
from recsim.opinion.media import coverage, outlet_votes
from recsim.opinion.voting import (
    SUPPORTIVE,
    Effects,
    Voters,
    expected_votes,
    heard,
    putting_off,
    sweep,
    turnout_of,
    vote_shares,
)
from recsim.scenario.opinion import Opinion
from recsim.world.arms import COUNTERFACTUAL
from recsim.world.demobilising import demobilised_by_now
from recsim.world.shards import of_all

if TYPE_CHECKING:
    from recsim.world.world import World

OPINION_TABLES = ("opinion", "opinion_media")


def opinion_tables(world: World) -> dict[str, pd.DataFrame]:
    """The tables of one arm of one branch; none if the layer is off. The outlet is compared in the counterfactual."""
    config = world.plan.scenario.opinion
    if not config.enabled:
        return {}
    voters = _voters(world)
    radius = config.confidence_radius.value
    impressions, demobilised = of_all(
        world.state.exchange, world.feed.tally.impressions, demobilised_by_now(world)
    )  # fmt: skip
    counted = heard(voters, impressions, radius)
    demobilising = heard(voters, demobilised, radius) if len(demobilised) else np.zeros_like(counted)
    out = {"opinion": _opinion_frame(world, config, voters, counted, demobilising)}
    if world.arm.name == COUNTERFACTUAL.name:
        out["opinion_media"] = _media_frame(world, config, voters, counted)
    return out


def _voters(world: World) -> Voters:
    plan, state = world.plan, world.state
    position, language = of_all(state.exchange, state.latent.position, state.cells.language)
    return Voters(
        position=position, place=state.position, prior=plan.traits.preference[language].astype(np.float32), spread=float(DISTANCE_WITHIN),
        turnout=plan.scenario.opinion.turnout.value,
    )  # fmt: skip


def _weights(config: Opinion) -> np.ndarray:
    s = config.stances
    return np.array([s.critical.value, s.neutral.value, s.supportive.value], np.float32)


def _effects(config: Opinion) -> list[Effects]:
    sizes = (config.persuasion_pp, config.mobilisation_pp, config.demobilisation_pp)
    return sweep(*([q.value for q in one] for one in sizes))


def _opinion_frame(
    world: World, config: Opinion, voters: Voters, counted: np.ndarray, demobilising: np.ndarray
) -> pd.DataFrame:
    """Expected vote shares and turnout at every effect size; beside them the impressions that counted."""
    supportive = counted[..., SUPPORTIVE].astype(np.int64).sum(axis=0)
    put_off = putting_off(counted, demobilising).astype(np.int64).sum(axis=0)
    rows = []
    for effects in _effects(config):
        votes = expected_votes(voters, counted, _weights(config), effects, demobilising)
        turnout = turnout_of(votes, world.plan.people)
        for c, share in enumerate(vote_shares(votes)):
            rows.append((*effects, c, int(supportive[c]), int(put_off[c]), share, turnout))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    names = [c.id for c in world.plan.candidates]
    return world.record._frame(
        {
            "persuasion_pp": columns[0].astype(float), "mobilisation_pp": columns[1].astype(float),
            "demobilisation_pp": columns[2].astype(float), "candidate": world.record._named(columns[3], names),
            "supportive_counted": columns[4].astype(np.int64), "putting_off_counted": columns[5].astype(np.int64),
            "vote_share": columns[6].astype(float), "turnout": columns[7].astype(float),
        }
    )  # fmt: skip


def _media_frame(world: World, config: Opinion, voters: Voters, counted: np.ndarray) -> pd.DataFrame:
    """Expected vote share of each candidate with an outlet that leans to her, distorting and not."""
    media, radius = config.media, config.confidence_radius.value
    days = 1 - world.plan.first_day
    messages = media.messages_per_day.value * days
    rows = []
    for effects in _effects(config):
        if effects.demobilisation_pp:
            continue  # the outlet sends no criticism
        for c in range(len(voters.place)):
            place = np.float32(media.position.value) * voters.place[c]
            shares = []
            for distortion in (0.0, media.distortion.value):
                votes = outlet_votes(
                    voters, counted, _weights(config), effects, radius, media.reach.value, place,
                    coverage(place, voters, distortion), messages,
                )  # fmt: skip
                shares.append(vote_shares(votes)[c])
            rows.append((effects.persuasion_pp, effects.mobilisation_pp, c, *shares))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    names = [c.id for c in world.plan.candidates]
    return world.record._frame(
        {
            "persuasion_pp": columns[0].astype(float), "mobilisation_pp": columns[1].astype(float),
            "candidate": world.record._named(columns[2], names), "vote_share_even": columns[3].astype(float),
            "vote_share_leaning": columns[4].astype(float),
        }
    )  # fmt: skip
