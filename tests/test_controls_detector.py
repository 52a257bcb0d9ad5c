"""Controls with a detector that reads what people do, in a world of six days; the others of its kind are slow tests of test_moderation."""

import pytest
from helpers import changed
from test_moderation import detector, moderated, team

from recsim.audit import controls
from recsim.scenario.moderation import Actions


@pytest.mark.parametrize("control", ["zero_dose", "exchanged"])
def test_controls_hold_with_a_detector(small, control):
    scenario = moderated(
        changed(small, days={"start": small.days.vote.replace(day=19)}),
        detectors=[detector("account_rate", reviewed=True)], reviewers=team(), actions=Actions(rollback="roll_back"),
    )  # fmt: skip
    ok, note = getattr(controls, control)(scenario)
    assert ok, note
