"""The report page: one file, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
from markupsafe import Markup

from recsim.experiment.folder import write_text
from recsim.experiment.result import Result
from recsim.experiment.summary import removed_campaigns
from recsim.report.table import millions
from recsim.scenario import quantities


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


def write_page(result: Result, figures: list[tuple[str, Path, str]]) -> Path:
    """Write ``report.html`` into the run's folder.

    Args:
        result: a stored run.
        figures: name, SVG file and caption, in order.
    """
    assert result.folder is not None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("recsim.report", "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters.update(form=_form, millions=millions, plain=_plain)
    names = {c.id: c.name for c in result.scenario.candidates}
    rows = sorted(result.summary["candidates"], key=lambda r: -(r["share_factual"] or 0))
    drawn = [(name, _inline(path, k), text) for k, (name, path, text) in enumerate(figures)]
    text = environment.get_template("report.html.j2").render(
        s=result.summary,
        scenario=result.scenario,
        rows=rows,
        names=names,
        figures=drawn,
        removed=removed_campaigns(result.scenario),
        parameters=quantities(result.scenario),
        card=_card(result.summary["policy"], result.scenario.platform),
    )
    path = result.folder / "report.html"
    write_text(path, text)
    return path


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
