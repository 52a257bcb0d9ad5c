"""A sweep in ten lines: the shift over doses and strengths of the platform's prior, in the small scenario."""

import recsim as rs

if __name__ == "__main__":
    scenario = rs.load("configs/small.yaml", ["run.luck_branches=1"])
    result = rs.sweep(
        scenario,
        {"dose": [0, 1, 4], "platform.predictor.prior_events": {"range": [20, 2000], "scale": "log", "n": 3}},
        replicates=3,
    )
    print(result.cells[["dose", "platform.predictor.prior_events", "shift_pp", "ci_low", "ci_high"]])
    print(result.folder)
