"""The pages of a run, a comparison and a question about arms: one file, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from recsim.experiment.comparison import Comparison
from recsim.experiment.contrasts import COSTS, ranked
from recsim.experiment.folder import write_text
from recsim.experiment.result import Result
from recsim.experiment.sets import Answer
from recsim.experiment.summary import removed_campaigns
from recsim.report.opinion import HEADING, SENTENCES, per_million, sentence, study_text, swings
from recsim.report.table import millions
from recsim.scenario import quantities
from recsim.scenario.schema import Scenario


def _inline(path: Path, number: int) -> Markup:
    """An SVG file as markup: without the XML head, its ids made unique on the page."""
    text = path.read_text(encoding="utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>f{number}-", text)
    text = re.sub(r'^<svg[^>]*?viewBox="([^"]+)"[^>]*>', r'<svg role="img" viewBox="\1" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">', text, count=1, flags=re.S)  # fmt: skip
    return Markup(text)


def _form(value: float | None, form: str = ".2f") -> str:
    return "–" if value is None or value != value else format(value, form)


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _significant(value: float | None, signed: bool = False) -> str:
    """Three significant digits, or a dash."""
    if value is None or value != value:
        return "–"
    return format(value, ("+" if signed else "") + (".0f" if abs(value) >= 100 else ".3g"))


def _render(template: str, path: Path, scenario: Scenario, figures: list[tuple[str, Path, str]], **values: Any) -> Path:
    """Write a page from a template with what every page has: names, figures, removed campaigns, assumptions."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("recsim.report", "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters.update(
        per_million=per_million, study=study_text, form=_form, millions=millions, plain=_plain, significant=_significant
    )
    text = environment.get_template(template).render(
        scenario=scenario,
        names={c.id: c.name for c in scenario.candidates},
        figures=[(name, _inline(file, k), text) for k, (name, file, text) in enumerate(figures)],
        removed=removed_campaigns(scenario),
        parameters=quantities(scenario),
        **values,
    )
    write_text(path, text)
    return path


def write_page(result: Result, figures: list[tuple[str, Path, str]]) -> Path:
    """Write ``report.html`` into the run's folder.

    Args:
        result: a stored run.
        figures: name, SVG file and caption, in order.
    """
    assert result.folder is not None
    s = result.summary
    return _render(
        "report.html.j2", result.folder / "report.html", result.scenario, figures,
        s=s, rows=sorted(s["candidates"], key=lambda r: -(r["share_factual"] or 0)), card=_card(s["policy"], result.scenario.platform),
        actions=s["inauthentic_actions"], spend=s["spend_eur"], opinion=_opinion(result),
    )  # fmt: skip


def _opinion(result: Result) -> dict[str, Any] | None:
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


def write_comparison_page(result: Comparison, figures: list[tuple[str, Path, str]]) -> Path:
    """Write ``compare.html`` into the comparison's folder; arguments as of `write_page`."""
    assert result.folder is not None
    s = result.summary
    own = next(p for p in s["policies"] if p["own"])
    return _render(
        "compare.html.j2", result.folder / "compare.html", result.scenario, figures,
        s=s, ranked={name: ranked(s, name) for name in s["beneficiaries"]}, costs=COSTS,
        actions=own["inauthentic_actions"], spend=own["spend_eur"],
    )  # fmt: skip


def write_answer_page(result: Answer, figures: list[tuple[str, Path, str]]) -> Path:
    """Write ``<command>.html`` into the folder of an attribution and the like; arguments as of `write_page`."""
    from recsim.report.answer_words import TITLES, again, limits, sentences, tables

    assert result.folder is not None
    s = result.summary
    return _render(
        "answer.html.j2", result.folder / f"{s['command']}.html", result.scenario, figures,
        s=s, what=TITLES[s["command"]], sentences=sentences(result), tables=tables(result), limits=limits(result),
        again=again(result),
    )  # fmt: skip


def _card(policy: str, platform) -> dict:
    """What the ranker looks at, re-rankers included."""
    from recsim.errors import InputError
    from recsim.ranking.policy import DOORS
    from recsim.ranking.registry import configured

    try:
        found = configured(policy, platform.rerank, platform.rerank_top)
    except InputError:
        return {}
    return {
        "title": found.title, "reads": found.reads, "profiled": found.profiled, "evidence": found.evidence,
        "source": found.source, "doors": [f"{d} ({DOORS[d]})" for d in found.open_doors],
        "parameters": dict(found.parameters), "rerank": found.rerank, "rerank_top": found.rerank_top,
    }  # fmt: skip
