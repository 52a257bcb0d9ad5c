"""docs/validation.md from stored records. Nothing on the page is typed by hand but the texts in this package."""

from __future__ import annotations

import json
import re
from pathlib import Path

from experiments.validation.studies import STUDIES
from experiments.validation.study import ROOT

PAGE = ROOT / "docs" / "validation.md"
RECORDS = ROOT / "docs" / "validation"
FIGURES = ROOT / "docs" / "images"
TITLES = {"simsom": "SimSoM", "takedown": "Takedown delay"}
"""Headings of records that come from scripts beside this package."""
LONG = 24
"""Rows above which a table is folded; what does not agree stands outside."""
INTRODUCTION = """
# Held against published results

*Made by `python -m experiments.validation.page` from the records in [validation/](validation); `make validate` measures everything anew.*

Can a simulator be trusted that was made to answer one question? Here the engine of the Romanian case, unchanged, is asked what others
have measured on platforms or in models of their own. What counts as agreement was fixed before the first full run and stands beside
every figure; no parameter was moved to make one come out (two designs were changed after trial runs for reasons given
with them: nobody searches in the study of bots, and there are three scripted accounts, not ten). A row that does not come out says so, with the reason as far as it was found. An interval is
95 % over independent worlds (Student's t), with declared ranges drawn where a scenario has any (SimSoM and takedown have none); relative
quality is held against the mean without bots, whose own error is left out (about that of a cell with few bots, .003). "Agrees" is a statement about direction and order of
magnitude, not about a platform. Sources marked "abstract" or "secondary page" were read there only; no stored data of others are used. Seconds
of SimSoM and takedown are those of all runs of the cells compared, added up; those of the other studies are by the clock, on two cores.

Rows say when they were measured. The engine has changed since then in ways that move numbers (`CHANGELOG.md`, entries marked so), and no study was measured again: in the worlds of all
studies but SimSoM and takedown official accounts began with fewer followers than [validation.yaml](../configs/validation.yaml) states (draws that met the same person twice were lost; up to a tenth of a large account's), and reach of
these accounts is what the study of politicians' reach measures. Records made from now on name the commit as well.

The rules for SimSoM and takedown were made stricter after their runs, and the stored numbers judged anew, because some rows would have agreed if nothing had any effect: at most half of a
published effect counts as agreement, a row whose interval reaches further than that has no verdict ("too small to tell"), and what falls, or harms less, must do so beyond its error.

Worlds: [validation.yaml](../configs/validation.yaml), 1,000 people who follow accounts, four invented candidates, no campaign unless a study
adds one; every cell of a study has the same people, posts, follows and luck. One study alone: `python -m experiments.validation NAME`.
"""
TAKEDOWN = """
## The published takedown curve and the Romanian delay curve

Both say what acting later costs, and they are not the same curve. The published one (Truong et al., arXiv 2502.08841) removes *content*: every illegal message vanishes from
all feeds with a chance of 1 - 2^(-1/half-life) a day after it was posted, for ever, in a steady state without bots; its figure is the change of prevalence,
impressions and reach against no moderation. The Romanian one (`recsim delay`, [attribution.md](attribution.md#delay)) removes *accounts*, all of one network at
once, on one day before a vote; what they did until then stays counted unless it is rolled back, posts by real people stay, and its figure is
the shift of exposure shares that is left.

- Same axis: expected delay is half-life / ln 2, so half-lives of 1, 2 and 8 days stand for removal about 1.4, 2.9 and 11.5 days after posting.
- Direction: the published curve falls with every shorter half-life, steepest below two days, while a message still earns most of its impressions. The Romanian one shows no
  direction: its means go up and down within luck (+0.54 for removal on the first day, +0.47 as it was). Items here live for days, so a network removed some days after it acted
  has done most of what it will do.
- Where they part: content that is taken down earns nothing further, while a like of an account that is taken down goes on working through counters, gates and what was
  learned. At the documented doses the Romanian curve is flat within its noise: no two of its days can be told apart ([romania.md](romania.md#what-did-the-work)).
- Neither may be read off the other. To ask the published question of the Romanian case, moderation must act on items
  ([moderation.md](moderation.md)), not on networks.
"""


def page_text(folder: Path = RECORDS, figures: Path = FIGURES) -> str:
    """The page.

    Args:
        folder: of records, one file per study: a list of records.
        figures: of pictures; the page refers to ``images/validation-<study>*.png`` where there are any.
    """
    files = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    order = [*(n for n in TITLES if n in files), *(n for n in STUDIES if n in files)]
    order += [n for n in files if n not in order]
    parts = [INTRODUCTION.strip(), summary({name: files[name] for name in order})]
    for name in order:
        parts.append(section(name, files[name], figures))
        if name == "takedown":
            parts.append(TAKEDOWN.strip())
    if "takedown" not in order:
        parts.append(TAKEDOWN.strip())
    return "\n\n".join(parts) + "\n"


def title_of(name: str) -> str:
    """Heading of a file of records."""
    return STUDIES[name].title if name in STUDIES else TITLES.get(name, name.replace("_", " ").replace("-", " "))


def summary(files: dict[str, list[dict]]) -> str:
    """One line per study."""
    lines = ["| study | compared | as published | not | without verdict | seconds |", "|---|---|---|---|---|---|"]
    for name, records in files.items():
        yes, no = (sum(r.get("agrees") is v for r in records) for v in (True, False))
        title = title_of(name)
        lines.append(
            f"| [{title}](#{anchor(title)}) | {len(records)} | {yes} | {no} | {len(records) - yes - no} | {seconds_of(records):,.0f} |"
        )
    return "\n".join(lines)


def anchor(title: str) -> str:
    """The address of a heading, as forges make it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def seconds_of(records: list[dict]) -> float:
    """Seconds of the runs behind records; those of the same runs share them, whatever they are compared with."""
    return sum({r.get("fingerprint"): float(r.get("seconds") or 0) for r in records}.values())


def section(name: str, records: list[dict], figures: Path = FIGURES) -> str:
    """Text, table, deviations and figure of one file of records."""
    parts = [f"## {title_of(name)}"]
    if name in STUDIES:
        parts.append(STUDIES[name].text.strip())
    rows = table(records)
    parts.append(
        rows if len(records) <= LONG else f"<details><summary>{len(records)} rows</summary>\n\n{rows}\n\n</details>"
    )
    wrong = [r for r in records if r.get("agrees") is False]
    if wrong and len(records) > LONG:
        parts.append("Not as published:\n\n" + table(wrong))
    notes = [f"- {r['quantity']}: {r['note']}" for r in records if r.get("note") and r.get("agrees") is not False]
    deviations = [f"- **{r['quantity']}**: {r.get('note') or 'no reason was found'}" for r in wrong]
    if deviations:
        parts.append("What does not match:\n\n" + "\n".join(deviations))
    if notes and len(records) <= LONG:
        parts.append("Notes:\n\n" + "\n".join(notes))
    # Of a long table only what was published and got no verdict: predictions say so by themselves.
    unclear = [
        f"- {r['quantity']}: {r['note']}"
        for r in records
        if r.get("agrees") is None and r.get("source") and r.get("note")
    ]
    if unclear and len(records) > LONG:
        parts.append("Published, and without verdict:\n\n" + "\n".join(unclear))
    for path in sorted(figures.glob(f"validation-{name}*.png")):
        parts.append(f"![{title_of(name)}](images/{path.name})")
    return "\n\n".join(parts)


def table(records: list[dict]) -> str:
    """One row per record."""
    lines = [
        "| quantity | published | source | counts as agreement | observed | agrees | version, fingerprint | date | s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in records:
        kind = f" ({r['kind']})" if r.get("kind") else ""
        verdict = {True: "yes", False: "**no**"}.get(r.get("agrees"), "-")
        columns = [
            f"{r['quantity']}{kind}", plain(r.get("published")), r.get("source", ""), plain(r.get("tolerance")), observed(r), verdict,
            made_by(r), r.get("date", ""), plain(r.get("seconds")),
        ]  # fmt: skip
        lines.append("| " + " | ".join(str(c).replace("|", "/").replace("\n", " ") for c in columns) + " |")
    return "\n".join(lines)


def made_by(r: dict) -> str:
    """Version, fingerprint and, where a record names it, the commit."""
    digits, *rest = str(r.get("commit") or "").split(" ", 1)
    commit = f", commit {' '.join([digits[:12], *rest])}" if digits else ""
    return f"{r.get('version', '')}, `{str(r.get('fingerprint', ''))[:12]}`{commit}"


def observed(r: dict) -> str:
    """The figure with its interval or standard error."""
    text = plain(r.get("observed"))
    if r.get("interval") and None not in r["interval"]:
        low, high = r["interval"]
        return text if low == high == r.get("observed") else f"{text} ({plain(low)} to {plain(high)})"
    if r.get("standard_error") is not None:
        return f"{text} (s.e. {plain(r['standard_error'])})"
    return text


def plain(value: object) -> str:
    """A number with three significant digits; text as it is; nothing as a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.3g}"
    return str(value)


def write_page(path: Path = PAGE) -> None:
    """Write the page."""
    path.write_text(page_text(), encoding="utf-8")
    print(f"page: {path}")


if __name__ == "__main__":
    write_page()
