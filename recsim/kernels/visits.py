"""Who comes this step, and by which door."""

from __future__ import annotations

import numpy as np
from numba import njit

from recsim.kernels.flags import KERNEL
from recsim.kernels.mathf import exp32
from recsim.kernels.philox import philox4, unit

F = np.float32
U64 = np.uint64
D_VISIT = U64(1)


@njit(**KERNEL)
def draw_visits(
    order, stratum, region, visits, preference, hour_factor, search, external, standing, population, key0, key1, step,
    first_person, out_person, out_stratum, out_entry, out_about,
):  # fmt: skip
    """Decide for each person whether a visit begins in this step.

    The chance of at least one visit at rate r is 1 - exp(-r); a second visit in the same step is merged with it.

    Args:
        order: (U,) int32, people sorted by stratum.
        stratum: (U,) int32.
        region: (U,) int8.
        visits: (U,) float32, visits per day.
        preference: (U,) int8, candidate whom half of a person's searches are about.
        hour_factor: (R,) float32, days of visiting that this step stands for, by region.
        search, external: float32, shares of visits that begin with a search, with a link from elsewhere.
        standing: (C,) float32, cumulative shares by which the other half is about anyone.
        population, key0, key1, step: draw key. first_person: uint64, number of the person in row 0: draws are by number.
        out_person, out_stratum: (U,) int32, written. out_entry, out_about: (U,) int8, written.

    Returns:
        The number of visits.
    """
    count = 0
    for place in range(order.size):
        person = order[place]
        a, b, c, d = philox4(first_person + U64(person), U64(0), population, (step << U64(16)) | D_VISIT, key0, key1)
        rate = visits[person] * hour_factor[region[person]]
        if unit(a) >= F(1.0) - exp32(-rate):
            continue
        door = unit(b)
        entry = 1 if door < search else (2 if door < search + external else 0)
        about = preference[person]
        pick = unit(c)
        if unit(d) < F(0.5):
            about = 0
            while about < standing.size - 1 and pick >= standing[about]:
                about += 1
        out_person[count] = person
        out_stratum[count] = stratum[person]
        out_entry[count] = entry
        out_about[count] = about
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
