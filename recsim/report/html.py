"""The pages: one file each, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import html
import math
import re
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from recsim.audit import provenance
from recsim.audit.enough import enough
from recsim.experiment.comparison import Comparison
from recsim.experiment.contrasts import COSTS, ranked
from recsim.experiment.folder import write_text
from recsim.experiment.result import Result
from recsim.experiment.sets import Answer
from recsim.experiment.summary import removed_campaigns
from recsim.ranking.policy import tags_in
from recsim.report.enough_words import in_words
from recsim.report.opinion import HEADING, SENTENCES, per_million, sentence, study_text, swings
from recsim.report.strings import counted, say, size_of
from recsim.report.table import millions, number, percent
from recsim.scenario import quantities
from recsim.scenario.follow import FollowScenario
from recsim.scenario.schema import Scenario

TALL = 1.2
"""Height over width from which a figure is printed on a page of its own, upright."""


def _inline(path: Path, number: int) -> Markup:
    """An SVG file as markup: without the XML head, its ids made unique on the page, named by its own title.

    Not by the caption, which stands below it and would be read twice.
    """
    text = path.read_text(encoding="utf-8")
    text = text[text.index("<svg") :]
    title = re.search(r"<title>(.*?)</title>", text, flags=re.S)
    label = html.unescape(title[1]) if title else path.stem.replace("_", " ")
    text = re.sub(r"<(title|metadata)>.*?</\1>", "", text, flags=re.S)  # a title would pop up under the pointer
    text = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>f{number}-", text)
    head = f'<svg role="img" aria-label="{escape(label)}" viewBox="{{}}" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    text = re.sub(r'^<svg[^>]*?viewBox="([^"]+)"[^>]*>', lambda found: _head(head, found[1]), text, count=1, flags=re.S)  # fmt: skip
    return Markup(text)


def _head(head: str, box: str) -> str:
    """The first tag of a figure; one much taller than wide, which would be tiny on a landscape page, is marked."""
    _, _, width, height = map(float, box.split())
    return head.replace("{}", box).replace("<svg ", '<svg class="tall" ', 1 if height > TALL * width else 0)


def _form(value: float | None, form: str = ".2f") -> str:
    return "–" if value is None or value != value else number(value, form)


def _between(low: float | None, high: float | None, form: str = "+.2f") -> str:
    """The ends of an interval, or one dash; a hundredth of what is wide is more than it can say."""
    if low is None or high is None or low != low or high != high:
        return "–"
    form = form.replace(".2", ".1") if max(abs(low), abs(high)) >= 9.995 else form
    return f"{number(low, form)} to {number(high, form)}"


def _chance(value: float | None) -> str:
    """A p value: none is exactly zero."""
    return "<0.001" if value is not None and value < 0.0005 else _form(value, ".3f")


def _views(value: float | None) -> str:
    """A count in words of three digits, so that two that differ by a few per cent do not look the same."""
    if value is None or value != value:
        return "–"
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= 0.9995 * size:
            return _significant(value / size) + unit
    return f"{value:.0f}"


def _beside(change: float | None, level: float | None) -> str:
    """A change with the decimals of the three digits that its level is printed with, not with digits of its own."""
    text = _significant(level)
    if change is None or change != change or not level or text == "–" or "e" in text:
        return _significant(change, signed=True)
    return number(change, f"+.{len(text.partition('.')[2])}f")


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _significant(value: float | None, signed: bool = False) -> str:
    """Three significant digits, or a dash."""
    if value is None or value != value:
        return "–"
    return format(value, ("+" if signed else "") + (".0f" if abs(value) >= 100 else ".3g"))


def _breakable(name: str) -> Markup:
    """A dotted name that may be broken after its dots, so that no column has to be as wide as all of it."""
    return Markup(re.sub(r"([.:])(?=.)", r"\1<wbr>", str(escape(name))))


def _within(value: float | None, low: float | None, high: float | None) -> str:
    """A number with as many decimals as its interval bears: two digits of half its width."""
    if low is None or high is None or not 0 < high - low < math.inf:
        return _significant(value, signed=True)
    return _form(value, f"+.{min(6, max(0, 1 - math.floor(math.log10((high - low) / 2))))}f")


def _replicates(sd: float | None, replicates: int, threshold: float) -> str:
    """Replicates that would tell a shift of the threshold from zero with a chance of 80 %, or a dash."""
    found = enough(sd, replicates, threshold, threshold)
    return "–" if found is None else in_words(found.for_power._asdict())


def link(frame: pd.DataFrame) -> str:
    """A table as an address that holds the whole CSV file, so that nothing is loaded from anywhere."""
    return "data:text/csv;base64," + base64.b64encode(frame.to_csv(index=False).encode()).decode()


def write_page(
    template: str, path: Path, scenario: Scenario | FollowScenario, figures: list[tuple[str, Path, str]],
    downloads: dict[str, str] | None = None, **values: Any,
) -> Path:  # fmt: skip
    """Write a page from a template with what every page has: figures and assumptions.

    Args:
        template: one that extends ``page.j2``.
        path: the page.
        scenario: whose quantities are listed.
        figures: name, SVG file and caption, in order.
        downloads: addresses of the data of figures by name, as of `link`.
        values: what else the template reads.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("recsim.report", "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.globals.update(say=say, counted=counted)
    environment.filters.update(
        percent=percent,
        tags=tags_in,
        per_million=per_million,
        study=study_text,
        form=_form,
        breakable=_breakable,
        millions=millions,
        plain=_plain,
        significant=_significant,
        between=_between,
        chance=_chance,
        views=_views,
        within=_within,
        beside=_beside,
        enough=in_words,
        replicates=_replicates,
    )
    text = environment.get_template(template).render(
        scenario=scenario,
        figures=[(name, _inline(file, k), text) for k, (name, file, text) in enumerate(figures)],
        downloads=downloads or {},
        parameters=quantities(scenario),
        **values,
    )
    write_text(path, text)
    return path


def render(template: str, path: Path, scenario: Scenario, figures: list[tuple[str, Path, str]], **values: Any) -> Path:
    """Write a page about candidates: with their names and the removed campaigns; arguments as of `write_page`."""
    names = {c.id: c.name for c in scenario.candidates}
    return write_page(template, path, scenario, figures, names=names, removed=removed_campaigns(scenario), **values)


def opinion_block(result: Result) -> dict[str, Any] | None:
    """The section of the opinion layer: sentences and rows by beneficiary; None if the layer is off."""
    found = result.summary.get("opinion")
    if not found:
        return None
    names = {c.id: c.name for c in result.scenario.candidates}
    promoted = result.summary["beneficiaries"]
    said = [sentence(found, effect, c, names[c]) for c in promoted for effect in SENTENCES]
    rows = [(c, effect, size, row) for c in promoted for effect in SENTENCES for size, row in swings(found, effect, c)]
    return {
        "heading": HEADING, "sentences": [text for text in said if text], "rows": rows,
        "literature": found["literature"], "added": found["added_exposures"],
    }  # fmt: skip


def comparison_link(result: Comparison, name: str) -> str:
    """The data of a comparison's figure, as of `link`."""
    return link(result.costs() if name == "costs" else result.table() if name.startswith("pareto") else result.shift())


def write_comparison_page(result: Comparison, figures: list[tuple[str, Path, str]]) -> Path:
    """Write ``compare.html`` into the comparison's folder; arguments as of `write_page`."""
    assert result.folder is not None
    s = result.summary
    own = next(p for p in s["policies"] if p["own"])
    return render(
        "compare.html.j2", result.folder / "compare.html", result.scenario, figures,
        s=s, ranked={name: ranked(s, name) for name in s["beneficiaries"]}, costs=COSTS,
        downloads={name: comparison_link(result, name) for name, _, _ in figures},
        actions=own["inauthentic_actions"], spend=own["spend_eur"], again=provenance.again("comparison", s, result.folder),
    )  # fmt: skip


TABLE_OF = {"attribute": "attribution"}
"""Table behind the figure of a command, where it has another name."""


def answer_link(result: Answer, name: str) -> str:
    """The data of an answer's figure, as of `link`."""
    return link(result.frames[TABLE_OF.get(name, name)])


def write_answer_page(result: Answer, figures: list[tuple[str, Path, str]], audit: dict[str, Any]) -> Path:
    """Write ``<command>.html`` into the folder of an attribution and the like.

    Args:
        result, figures: as of `write_page`.
        audit: how it came about, as of `recsim.audit.question_plan.write_record`.
    """
    from recsim.report.answer_words import TITLES, again, limits, sentences, tables

    assert result.folder is not None
    s = result.summary
    return render(
        "answer.html.j2", result.folder / f"{s['command']}.html", result.scenario, figures,
        s=s, what=TITLES[s["command"]], sentences=sentences(result), tables=tables(result), limits=limits(result),
        size=size_of(s), again=again(result), downloads={name: answer_link(result, name) for name, _, _ in figures},
        audit=audit,
    )  # fmt: skip
