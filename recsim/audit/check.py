"""``recsim check``: controls, accounting and stylised facts of a scenario, as one table."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable
from typing import Any

from recsim.audit.accounting import accounting
from recsim.audit.controls import CONTROLS, small_copy
from recsim.audit.facts import documented_facts, platform_facts, targets_not_known, verdict
from recsim.audit.pack import made_of
from recsim.experiment.summary import cleaned, removed_campaigns
from recsim.scenario.schema import Scenario

REPLICATES = 2
NEVER_SET = "_never_set"
"""How figures of gates end whose threshold was never set."""


@dataclasses.dataclass
class Report:
    """What a check found.

    Attributes:
        rows: section, name, value, expected, verdict, note.
        quick: whether nothing of the scenario's own size was simulated.
        made_of: of which scenario it was made and by what, as of `recsim.audit.pack.made_of`.
    """

    rows: list[dict]
    quick: bool = False
    made_of: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether no control and no account failed; facts outside their range do not count."""
        return all(row["verdict"] != "FAIL" for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; in a file of its own it can stand in an audit report."""
        head = {"command": "check", "passed": self.passed, "quick": self.quick}
        return head | {"rows": cleaned(self.rows), "made_of": self.made_of}

    def to_text(self) -> str:
        """For reading, at most 80 columns."""
        sections = ["", *(row["section"] for row in self.rows)]
        return "\n".join(
            line for row, before in zip(self.rows, sections, strict=False) for line in lines_of(row, before)
        )


def lines_of(row: dict, before: str) -> list[str]:
    """One row for reading, at most 80 columns, below its heading where the row before was of another section.

    Args:
        row: of a report. before: section of the row before; "" for the first row.
    """
    heading = [] if row["section"] == before else [*([""] if before else []), row["section"].upper()]
    value = row["value"]
    shown = "" if value is None else (value if isinstance(value, str) else f"{value:.4g}")
    lines = [*heading, f"  {row['name'][:41]:<42}{shown[:12]:>12}  {row['verdict']:<10}".rstrip()]
    for text in (row["expected"], row["note"]):
        if text:
            lines += textwrap.wrap(str(text), 80, initial_indent="      ", subsequent_indent="        ")
    return lines


def check(
    scenario: Scenario, progress: Callable[[float, float, str], None] | None = None, quick: bool = False,
    found: Callable[[dict], None] | None = None,
) -> Report:  # fmt: skip
    """Run the controls on a tiny copy of the scenario, and a run of at most two replicates for the platform's figures.

    Args:
        scenario: from `recsim.load`.
        progress: told (done, total, text).
        quick: controls and accounting only; nothing of the scenario's own size is simulated.
        found: told every row as soon as it is known.

    Returns:
        A report: ``rows`` (dictionaries with ``section``, ``name``, ``value`` in the figure's unit or None, ``expected``,
        ``verdict``: "pass", "FAIL", "inside", "outside", "no target", "no campaign" or "not computed", and ``note``),
        ``passed``, ``to_text()`` and ``to_dict()``.

    Raises:
        InputError: a name in the scenario is unknown, see `recsim.validate`.
        RecsimError: a worker process died.
    """
    from recsim.experiment.run import run

    say = progress or (lambda done, total, text: None)
    rows: list[dict] = []
    told = 0

    def tell() -> None:
        nonlocal told
        if found is not None:
            for row in rows[told:]:
                found(row)
        told = len(rows)

    small = small_copy(scenario)
    total = len(CONTROLS) + (0 if quick else 4)
    for number, (name, (control, needs_campaign)) in enumerate(CONTROLS.items()):
        tell()
        say(number, total, name)
        if needs_campaign and not removed_campaigns(scenario):
            rows.append(
                {
                    "section": "controls",
                    "name": name,
                    "value": None,
                    "expected": "",
                    "verdict": "no campaign",
                    "note": "",
                }
            )
            continue
        ok, note = control(small)
        rows.append(
            {
                "section": "controls",
                "name": name,
                "value": None,
                "expected": "",
                "verdict": "pass" if ok else "FAIL",
                "note": note,
            }
        )
    rows += accounting(scenario)
    tell()
    if quick:
        return Report(rows, True, made_of(scenario))
    result = run(
        scenario, replicates=min(REPLICATES, scenario.run.replicates), robustness=False, store=False,
        progress=lambda done, total_, text: say(len(CONTROLS) + 4 * done / max(total_, 1e-9), total, "stylised facts"),
    )  # fmt: skip
    known = platform_facts(result.frames["facts"])
    known.update(documented_facts(result.scenario, result.frames, result.summary["replicates"]))
    rows += _run_accounts(known)
    named = {name for name in known if name.endswith(NEVER_SET)}
    misspelt = targets_not_known(scenario)
    for target in scenario.targets:
        value = known.get(target.metric)
        named.add(target.metric)
        span = "" if target.low is None and target.high is None else f"{_span(target.low, target.high)}; "
        rows.append(
            {
                "section": "stylised facts and documented targets", "name": f"{target.id}: {target.metric}", "value": value,
                "expected": span + target.source, "verdict": verdict(value, target.low, target.high) if value is not None else "not computed", "note": misspelt.get(target.id, ""),
            }
        )  # fmt: skip
    for name in sorted(set(known) - named):
        rows.append(
            {
                "section": "other figures",
                "name": name,
                "value": known[name],
                "expected": "",
                "verdict": "no target",
                "note": "",
            }
        )
    tell()
    say(total, total, "done")
    return Report(rows, False, made_of(scenario))


def _run_accounts(known: dict[str, float]) -> list[dict]:
    limits = (
        ("empty_share", 0.02, "slate positions with nothing unseen"),
        ("largest_reach", 0.7, "an item seen by nearly everybody is not credible"),
    )
    rows = []
    for name, high, note in limits:
        value = known.get(name)
        if value is not None:
            ok = value <= high
            rows.append(
                {
                    "section": "accounting at run",
                    "name": name,
                    "value": value,
                    "expected": f"<= {high}",
                    "verdict": "pass" if ok else "outside",
                    "note": "" if ok else note,
                }
            )
    for name in sorted(known):
        if name.endswith(NEVER_SET):
            rows.append(
                {
                    "section": "accounting at run",
                    "name": name.removesuffix(NEVER_SET).replace("_", " ") + ": threshold",
                    "value": "never set",
                    "expected": "set from the arrivals on the days before the first campaign",
                    "verdict": "outside",
                    "note": "too few came, so every item passes; more content.items_per_day or an earlier days.start bring more",
                }
            )
    return rows


def _span(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
