"""Attribution, dose-response, delay and trade-off in words, for the terminal and the page."""

from __future__ import annotations

from recsim.audit import provenance
from recsim.experiment.sets import Answer
from recsim.report.attribution_words import attribution_tables, attribution_words
from recsim.report.dose_words import delay_tables, delay_words, dose_tables, dose_words
from recsim.report.tradeoff_words import tradeoff_tables, tradeoff_words
from recsim.report.words import Table

TITLES = {
    "attribute": "What did the work", "dose": "Dose and response", "delay": "Acting earlier",
    "tradeoff": "What each mitigation saves, and what it costs",
}  # fmt: skip
SENTENCES = {
    "attribute": attribution_words, "dose": dose_words, "delay": delay_words, "tradeoff": tradeoff_words,
}  # fmt: skip
TABLES = {
    "attribute": attribution_tables, "dose": dose_tables, "delay": delay_tables, "tradeoff": tradeoff_tables,
}  # fmt: skip
LIMITS = {
    "attribute": "A part says what a player does in this set of players: with other campaigns, tactics or doors beside it, "
    "the parts would be others. Where players only work together, sharing out is a convention; look at the interactions.",
    "dose": "Other doses are assumptions about what the campaign could have done, not about what it did. That no further "
    "dose differs is no proof that the curve is flat.",
    "tradeoff": "Mitigations and defences are tried one at a time against campaigns that do not adapt to them. Costs are those "
    "of the model's people, who come as often whatever they are shown. Precision and recall are those on simulated logs.",
    "delay": "Removal is perfect and at once: every inauthentic account, on the day named. A platform that finds only some "
    "of them, or removes people by mistake, saves less.",
}


def sentences(result: Answer) -> list[str]:
    """What the numbers say, in words; one paragraph each."""
    return SENTENCES[result.summary["command"]](result)


def tables(result: Answer) -> list[Table]:
    """The tables."""
    return TABLES[result.summary["command"]](result)


def limits(result: Answer) -> str:
    """What the method cannot say."""
    return LIMITS[result.summary["command"]]


def again(result: Answer) -> str:
    """The command that does it again, in the folder of the result."""
    return provenance.again(result.summary["command"], result.summary, result.folder)
