"""The pages of studies, calibrations, comparisons, questions about arms and follow-graph worlds in a real browser.

Most counts are invented, so that nothing is compiled. Without a Chromium these tests say so and are skipped.
"""

from __future__ import annotations

import browsing
import fake_arms
import fake_world
import pandas as pd
import pytest
import test_answers
import test_follow
import yaml

from recsim.experiment.calibration import calibrate
from recsim.experiment.compare import compare
from recsim.experiment.follow import run_follow
from recsim.experiment.sweep import sweep
from recsim.report import write_answer, write_comparison
from recsim.report.calibration import write_calibration
from recsim.report.follow import write_follow
from recsim.report.study import write_study
from recsim.scenario import load

CALIBRATION = {
    "name": "tiny", "scenario": str(fake_world.SMALL), "set": {"run.luck_branches": 1, "population.scale": 0.0001},
    "parameters": [{"key": "dose", "range": [0.25, 16], "scale": "log"}, {"key": "platform.predictor.prior_events", "range": [20, 2000], "scale": "log"}],
    "targets": [
        {"metric": "beneficiary_views_late_M_per_day", "value": 3.0, "error": 0.5, "source": "made up"},
        {"metric": "like_rate", "value": 0.045, "error": 0.2, "role": "holdout", "source": "made up"},
    ],
    "method": {"waves": 1, "points": 12, "particles": 12, "generations": 2, "members": 5},
}  # fmt: skip
AXES = [
    {"key": "dose", "values": [0, 1, 4]}, {"key": "platform.predictor.prior_events", "range": [20, 2000], "scale": "log", "n": 2},
    {"key": "platform.gates.mode", "name": "gates", "values": {"none": "off", "soft": "soft", "hard": "hard"}},
]  # fmt: skip
LONG = "recsim.ranking.tiktok_value:tiktok_value"
PAGES = (
    "sweep", "calibration", "compare", "follow", "attribute",
    # Of the same template as an attribution's.
    *(pytest.param(one, marks=pytest.mark.slow) for one in test_answers.COMMANDS if one != "attribute"),
)  # fmt: skip


def with_followers(scenario, replicate, *, threads=1, report=None):
    """The invented engine, and followers, which a calibration asks for."""
    outcome = fake_world.simulate(scenario, replicate, threads=threads, report=report)
    arms = (("shared", -14), ("factual", 0), ("counterfactual", 0))
    rows = [(replicate, 0, arm, day, c.id, 100 + day) for c in scenario.candidates for arm, day in arms]
    columns = ["replicate", "branch", "arm", "day", "candidate", "followers"]
    outcome.frames["followers"] = pd.DataFrame(rows, columns=columns)
    return outcome


def write_page(name, folder):
    """Ask what the page is about, write it; the page."""
    fake = {"workers": 1, "simulate": fake_world.simulate}
    out, scenario = folder / name, load(fake_world.SMALL, ["run.replicates=3", "run.luck_branches=1"])
    if name == "sweep":
        write_study(sweep(scenario, AXES, out=out, cells=folder / "cells", **fake))
    elif name == "calibration":
        path = folder / "calibration.yaml"
        path.write_text(yaml.safe_dump(CALIBRATION))
        write_calibration(calibrate(path, out=out, worlds=folder / "w", workers=1, simulate=with_followers))
    elif name == "compare":
        write_comparison(compare(scenario, policies=["dsa38_regional", "tiktok_value", LONG], out=out, **fake))
    elif name == "follow":  # the one page whose counts are simulated
        write_follow(run_follow(test_follow.tiny(*test_follow.ILLEGAL), out=out, workers=1))
        return out / "report.html"
    else:
        write_answer(test_answers.ask(name, fake_arms.three_campaigns(), out))
    return out / f"{name}.html"


@pytest.fixture(scope="module")
def browser():
    with browsing.chromium() as opened:
        yield opened


@pytest.fixture(scope="module", params=PAGES)
def path(tmp_path_factory, request):
    return write_page(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def page(browser, path):
    """One of them on a telephone, without a network."""
    with browsing.watched(browser, path, viewport={"width": 390, "height": 844}, offline=True) as opened:
        yield opened


def test_asks_for_nothing_and_fits_a_telephone(page):
    assert page.wrong == [] and page.asked == [page.address]
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])  # light: of the report
def test_accessible(page, scheme):
    page.emulate_media(color_scheme=scheme)
    like_the_others = "rows => rows.slice(5).forEach(row => row.remove())"  # axe takes seconds for them
    page.eval_on_selector_all("#t-assumed tbody tr", like_the_others)
    dark = browsing.colours(page)[0] != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark") and browsing.violations(page) == []
    assert browsing.named_apart(page), browsing.pictures(page)


def test_dark_and_light_by_hand(page):
    light = browsing.colours(page)
    page.locator("#theme").click()
    assert browsing.colours(page) != light and page.locator("#theme").get_attribute("aria-pressed") == "true"
    page.locator("#theme").click()
    assert browsing.colours(page) == light


def test_keyboard(page):
    """The first stop leads past the header; whatever scrolls is a stop, scrolls by arrows, and its rows keep their names."""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#report"
    assert page.locator("main#report h2").count() > 2 and page.locator("h1").count() == 1
    scrolled, lost = browsing.unreachable(page)
    assert scrolled and lost == []
    table = page.locator(".wide", has=page.locator("#t-assumed"))
    table.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 20")
    name, region = table.locator("tbody th").first.bounding_box(), table.bounding_box()
    assert name["x"] == pytest.approx(region["x"], abs=1)


def test_prints(page):
    assert page.pdf(format="A4", landscape=True).startswith(b"%PDF")
    page.emulate_media(media="print", color_scheme="dark")
    assert browsing.colours(page) == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    assert not page.locator("#theme").is_visible() and not page.locator("figcaption a").first.is_visible()
    cut = "all => all.filter(x => getComputedStyle(x).overflowX !== 'visible').length"
    assert page.eval_on_selector_all("figure, .wide", cut) == 0  # nothing is cut off on paper


def test_usable_without_scripts(browser, path):
    with browsing.watched(browser, path, java_script_enabled=False) as plain:
        assert plain.locator("#t-assumed tbody tr").count() > 10 and not plain.locator("#theme").is_visible()
