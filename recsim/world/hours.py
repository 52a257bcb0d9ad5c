"""When people come: the hours of a week by each region's own clock."""

from __future__ import annotations

import numpy as np

from recsim.world.plan import Plan


def hour_factors(plan: Plan) -> np.ndarray:
    """(7 days of steps, R) float32: share of a day's visits in each step of a week, by the region's own clock."""
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
            local = [(step * span + hour + round(offset)) for hour in range(span)]
            table[step, number] = sum(hours[h % 24] * week[(first + h // 24) % 7] for h in local)
    return table
