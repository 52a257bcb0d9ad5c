"""How many replicates would be enough, in words."""

from __future__ import annotations

from collections.abc import Mapping

from recsim.audit.enough import MOST, POWER, enough
from recsim.audit.plan import half_width
from recsim.report.strings import counted, say
from recsim.scenario.schema import Scenario


def in_words(span: Mapping[str, int | None]) -> str:
    """A number of replicates with what the spread leaves open: "64 (31 to 210)", or "over 100,000"; at most 27 letters.

    Args:
        span: ``about``, ``low``, ``high``; None: more than anybody simulates.
    """
    if span["about"] is None:
        return f"over {MOST:,}"
    high = f">{MOST:,}" if span["high"] is None else f"{span['high']:,}"
    return f"{span['about']:,} ({span['low']:,} to {high})"


def enough_text(scenario: Scenario, name: str, sd: float | None, replicates: int) -> str:
    """The sentence for one candidate, "" where nothing is known.

    Args:
        scenario: whose threshold and half-width count.
        name: of the candidate.
        sd: of the shift between replicates, percentage points. replicates: with a share.
    """
    threshold = scenario.audit.threshold_pp.value
    found = enough(sd, replicates, threshold, half_width(scenario))
    if found is None:
        return ""
    width, power = in_words(found.for_width._asdict()), in_words(found.for_power._asdict())
    return say(
        "enough_is", name=name, width=width, half=f"{found.half_width_pp:.4g}", power=power, threshold=f"{threshold:.4g}",
        chance=f"{100 * POWER:.0f}", replicates=counted(replicates, "replicate"),
    )  # fmt: skip
