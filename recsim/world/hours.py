"""When people come: the hours of a week by each region's own clock."""

from __future__ import annotations

import math

import numpy as np

from recsim.world.plan import Plan


def hour_factors(plan: Plan) -> np.ndarray:
    """(7 days of steps, R) float32: share of a day's visits in each step of a week, by the region's own clock.

    A clock that is a part of an hour off the others shares each of its hours between two of theirs, in proportion.
    """
    activity = plan.scenario.activity
    hours = np.array(activity.hour_weights)
    hours = hours / hours.sum()
    week = np.array(activity.weekday_weights)
    week = week / week.mean()
    first = plan.scenario.days.start.weekday()
    span = 24 // plan.steps_per_day
    table = np.zeros((7 * plan.steps_per_day, len(plan.regions)), np.float32)
    for step in range(len(table)):
        for number, region in enumerate(plan.regions):
            offset = plan.scenario.population.utc_offset_h.get(region, 0.0)
            whole = math.floor(offset)
            for off, part in ((whole, 1 - (offset - whole)), (whole + 1, offset - whole)):
                local = [(step * span + hour + off) for hour in range(span)]
                if part > 0:
                    table[step, number] += part * sum(hours[h % 24] * week[(first + h // 24) % 7] for h in local)
    return table
