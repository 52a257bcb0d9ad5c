"""No candidate has more than her share of the political places.

Ours [D]; equal air time in its plainest form. Among the first n political places of the list (entries about any
candidate), each candidate has at most ``ceil((1 + tolerance) share n)``. Her share is 1 / C, or with
``parity_by_standing`` = 1 her registered standing, or between. A political place goes to the best entry whose candidate
has room; what finds no room is taken out of this visit's list, and the places below move up. Entries that are not
political keep their order. Candidates are labels: exchanging two of them exchanges everything.
"""

from __future__ import annotations

import math

import numpy as np

from recsim.ranking.reranker import reranker

ALMOST_ONE = 0.9999


@reranker(
    parity_tolerance=0.1,
    parity_by_standing=0.0,
    meta={
        "title": "caps each candidate's share of the political places",
        "source": "our design",
        "evidence": "[D]",
        "date": "2026-11-24",
        "ranges": {"parity_tolerance": (0, math.inf), "parity_by_standing": (0, 1)},
    },
)
def candidate_parity(s, p):
    """Fill political places in order; marks: 1 placed."""
    m, placed = len(s.score), s.marks[0]
    have = s.candidate_scratch[0]
    equal = (1.0 - p.parity_by_standing) / float(len(s.standing))
    political, place = 0, 0
    for k in range(m):
        if s.candidate[k] < 0:
            s.order[place] = k
            place += 1
            continue
        for j in range(m):
            who = s.candidate[j]
            if who >= 0 and placed[j] == 0:
                share = equal + p.parity_by_standing * s.standing[who]
                room = int((1.0 + p.parity_tolerance) * share * float(political + 1) + ALMOST_ONE)
                if have[who] < room:
                    s.order[place] = j
                    placed[j] = 1
                    have[who] += 1
                    political += 1
                    place += 1
                    break
    for j in range(m):
        if s.candidate[j] >= 0 and placed[j] == 0:
            s.score[j] = -np.inf
