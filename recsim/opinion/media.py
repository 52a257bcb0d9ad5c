"""A traditional outlet on the same plane, as a comparator: the same effect per message, another channel.

A Hotelling outlet stands somewhere on the line from the centre to the candidate it leans to. In the centre it is
as far from one candidate as from the next and so favours nobody; at the end of the line it favours its candidate most,
and under bounded confidence is listened to by her neighbours only.
"""

from __future__ import annotations

import numpy as np

from recsim import rng
from recsim.opinion.voting import SUPPORTIVE, Effects, Voters, expected_votes, squared_distance


def coverage(place: np.ndarray, voters: Voters, distortion: float) -> np.ndarray:
    """Share of an outlet's supportive messages that goes to each candidate.

    (1 - distortion) / C + distortion k_c, with k_c proportional to exp(-distance^2 / (2 spread^2)) to the outlet.

    Args:
        place: (2,) float32, where the outlet stands.
        voters: C candidates; of it only their places and the spread are used.
        distortion: 0 (the same for everybody) to 1.

    Returns:
        (C,) float32, adds up to 1.
    """
    spread = np.float32(voters.spread)
    near = -squared_distance(place[None, :], voters.place)[0] * (np.float32(0.5) / (spread * spread))
    weight = rng.exponentials(near - near.max())
    total = np.float32(0.0)
    for c in range(len(weight)):
        total = total + weight[c]
    share = np.float32(distortion)
    return np.asarray((np.float32(1.0) - share) / np.float32(len(weight)) + share * (weight / total))


def outlet_votes(
    voters: Voters, counted: np.ndarray, weights: np.ndarray, effects: Effects, radius: float, reach: float,
    place: np.ndarray, shares: np.ndarray, messages: float,
) -> np.ndarray:  # fmt: skip
    """Expected votes of each candidate when an outlet adds its messages to what people hear from the feed.

    Args:
        voters: U people, C candidates.
        counted: (U, C, 3) float32, what people hear from the feed, from `recsim.opinion.voting.heard`.
        weights, effects: as of `expected_votes`.
        radius: of bounded confidence; here to the outlet.
        reach: share of people whom the outlet reaches, whoever they are, 0-1.
        place: (2,) float32, where the outlet stands.
        shares: (C,) float32, from `coverage`.
        messages: messages to a person reached.

    Returns:
        (C,) int64, in units of 1 / VOTE: reach x votes if all are reached + (1 - reach) x votes if nobody is.
    """
    listens = squared_distance(voters.position, place[None, :])[:, 0] < np.float32(radius) * np.float32(radius)
    more = counted.copy()
    more[..., SUPPORTIVE] += np.where(listens[:, None], np.float32(messages) * shares[None, :], np.float32(0.0))
    without = expected_votes(voters, counted, weights, effects)
    reached = expected_votes(voters, more, weights, effects)
    return np.asarray(np.rint(reach * reached + (1.0 - reach) * without).astype(np.int64))
