"""Attribution, dose-response, delay and trade-off in words, for the terminal and the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from recsim.audit.again import ELSEWHERE
from recsim.experiment.dose import ALL
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


def _measures(s: dict[str, Any]) -> list[str]:
    """Options that name the mitigations and the file of defences, which lies beside the scenario."""
    named = [name for name in s["mitigations"] if name not in s["defences"]]
    return [
        *(["--mitigations", ",".join(named)] if named else []),
        *(["--defences", "defences.yaml"] if s["defences"] else []),
    ]


OPTIONS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "attribute": lambda s: ["--by", s["by"], *(["--orders", str(s["orders"])] if s["orders"] else [])],
    "dose": lambda s: [
        *([] if s["campaign"] == ALL else ["--campaign", s["campaign"]]), "--from", f"{s['doses'][0]:g}", "--to",
        f"{s['doses'][-1]:g}", "--points", str(len(s["doses"])), *(["--others"] if s["others"] else []),
    ],
    "tradeoff": _measures,
    "delay": lambda s: ["--days=" + ",".join(map(str, s["days"]))],
}  # fmt: skip


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
    """The command that does it again."""
    s = result.summary
    words = [
        "python -m recsim",
        s["command"],
        "scenario.yaml",
        *OPTIONS[s["command"]](s),
        "--candidate",
        s["candidate"],
    ]
    words += ["--seed", str(s["seed"]), "--replicates", str(s["replicates"])]
    return " ".join([*words, *(["--fixed-parameters"] if s["interval_covers"] == "luck" else []), ELSEWHERE])
