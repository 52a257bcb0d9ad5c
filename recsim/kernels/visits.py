"""Who comes this step, and by which door."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import KERNEL
from recsim.kernels.mathf import exp32
from recsim.kernels.philox import rounds, unit_of

F = np.float32
U64 = np.uint64
D_VISIT = U64(1)
LANES = 256
"""People drawn together: so that draws and chances are vector code."""


@njit(**KERNEL)
def draw_doors(
    low, high, region, visits, preference, hour_factor, search, external, standing, population, key0, key1, step,
    first_person, out_door, out_about,
):  # fmt: skip
    """Decide for each person in rows low..high-1 whether a visit begins in this step, and how.

    The chance of at least one visit at rate r is 1 - exp(-r); a second visit in the same step is merged with it. Calls for
    different rows may run side by side.

    Args:
        region: (U,) int8.
        visits: (U,) float32, visits per day.
        preference: (U,) int8, candidate whom half of a person's searches are about.
        hour_factor: (R,) float32, days of visiting that this step stands for, by region.
        search, external: float32, shares of visits that begin with a search, with a link from elsewhere.
        standing: (C,) float32, cumulative shares by which the other half is about anyone.
        population, key0, key1, step: draw key. first_person: uint64, number of the person in row 0: draws are by number.
        out_door: (U,) int8, written: -1 no visit, 0 the feed, 1 a search, 2 a link. out_about: (U,) int8, candidate whom a
            search is about, written where there is a visit.
    """
    word = np.empty((4, LANES), np.uint32)
    chance = np.empty(LANES, np.float32)
    moment = (step << U64(16)) | D_VISIT
    for start in range(low, high, LANES):
        count = min(LANES, high - start)
        for j in range(count):
            c0, c1, c2, c3 = rounds(first_person + U64(start + j), U64(0), population, moment, key0, key1)
            word[0, j] = np.uint32(c0 & U64(0xFFFFFFFF))
            word[1, j] = np.uint32(c1 & U64(0xFFFFFFFF))
            word[2, j] = np.uint32(c2 & U64(0xFFFFFFFF))
            word[3, j] = np.uint32(c3 & U64(0xFFFFFFFF))
        for j in range(count):
            chance[j] = F(1.0) - exp32(-(visits[start + j] * hour_factor[region[start + j]]))
        for j in range(count):
            person = start + j
            if unit_of(word[0, j]) >= chance[j]:
                out_door[person] = -1
                continue
            door = unit_of(word[1, j])
            out_door[person] = 1 if door < search else (2 if door < search + external else 0)
            about = preference[person]
            pick = unit_of(word[2, j])
            if unit_of(word[3, j]) < F(0.5):
                about = 0
                while about < standing.size - 1 and pick >= standing[about]:
                    about += 1
            out_about[person] = about


@njit(**KERNEL)
def line_up_visits(order, stratum, door, about, out_person, out_stratum, out_entry, out_about):
    """The visits of a step, by stratum, then number.

    Args:
        order: (U,) int32, people sorted by stratum. stratum: (U,) int32. door, about: (U,) int8, see `draw_doors`.
        out_person, out_stratum: (U,) int32, written. out_entry, out_about: (U,) int8, written.

    Returns:
        The number of visits.
    """
    count = 0
    for place in range(order.size):
        person = order[place]
        if door[person] >= 0:
            out_person[count] = person
            out_stratum[count] = stratum[person]
            out_entry[count] = door[person]
            out_about[count] = about[person]
            count += 1
    return count


@njit(**KERNEL)
def sort_by_stratum(stratum, strata, out_order):
    """Counting sort: people by stratum, then number. ``stratum`` (U,) int32; ``out_order`` (U,) int32, written."""
    start = np.zeros(strata + 1, np.int64)
    for person in range(stratum.size):
        start[stratum[person] + 1] += 1
    for s in range(strata):
        start[s + 1] += start[s]
    for person in range(stratum.size):
        out_order[start[stratum[person]]] = person
        start[stratum[person]] += 1


@njit(**KERNEL)
def assign_interest_strata(estimate, language, out_stratum):
    """Stratum = language x topic of largest estimated interest (first topic on a tie).

    Args:
        estimate: (U, D) float32. language: (U,) int8. out_stratum: (U,) int32, written.
    """
    topics = estimate.shape[1]
    for person in range(estimate.shape[0]):
        best = 0
        for d in range(1, topics):
            if estimate[person, d] > estimate[person, best]:
                best = d
        out_stratum[person] = language[person] * topics + best
