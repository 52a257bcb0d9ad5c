"""The pages in a real browser: no errors, nothing loaded, sorting, filtering, theme, downloads, print, accessibility.

Needs a Chromium of the system and the package playwright; where there is none, these tests say so and are skipped.
"""

from __future__ import annotations

import csv
import os
import shutil

import fake_world
import pandas as pd
import pytest
import yaml

from recsim.experiment import run
from recsim.experiment.calibration import calibrate
from recsim.experiment.sweep import sweep
from recsim.report import write
from recsim.report.calibration import write_calibration
from recsim.report.study import write_study
from recsim.scenario import load

CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium here: the report is not tested in a browser", allow_module_level=True)
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="no playwright here: the report is not tested in a browser"
)
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe here: accessibility is not tested")

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
SETS = ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-18", "run.replicates=3"]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser") / "r"
    write(run(load(fake_world.SMALL, SETS), out=folder, workers=1, robustness=False))
    return folder


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, report):
    """The page, with everything that went wrong and every address that was asked for."""
    context = browser.new_context(accept_downloads=True, viewport={"width": 1100, "height": 900})
    opened = context.new_page()
    opened.wrong, opened.asked = [], []
    opened.on("console", lambda message: opened.wrong.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: opened.wrong.append(str(error)))
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto((report / "report.html").as_uri())
    yield opened
    context.close()


def column(page, table, number):
    return page.eval_on_selector_all(
        f"#{table} tbody tr", f"rows => rows.map(row => row.cells[{number}].textContent.trim())"
    )


def test_opens_without_errors_and_asks_for_nothing(page, report):
    assert page.title().startswith("Three invented candidates")
    assert page.wrong == [] and page.asked == [(report / "report.html").as_uri()]
    targets = page.eval_on_selector_all(
        "nav a", "links => links.map(a => document.querySelector(a.getAttribute('href')) !== null)"
    )
    assert len(targets) == 20 and all(targets)


def test_sorts_numbers_as_numbers_and_text_as_text(page):
    head = page.locator("#t-candidates th", has_text="shift, pp")
    head.locator("button").click()
    up = [float(x) for x in column(page, "t-candidates", 3)]
    assert up == sorted(up) and head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    assert [float(x) for x in column(page, "t-candidates", 3)] == sorted(up, reverse=True)
    page.locator("#t-candidates th", has_text="Candidate").locator("button").focus()
    page.keyboard.press("Enter")
    assert column(page, "t-candidates", 0) == ["Ada", "Ben", "Eva"]
    assert head.get_attribute("aria-sort") is None
    page.locator("#t-assumed thead button").nth(1).click()
    numbers = [float(x.replace(",", "")) for x in column(page, "t-assumed", 1)]
    assert numbers == sorted(numbers) and len(numbers) > 80


def test_filters_rows(page):
    field = page.locator('input.filter[data-table="t-assumed"]')
    field.fill("like_rate")
    shown = page.locator("#t-assumed tbody tr:visible")
    assert 1 <= shown.count() < 5 and "like_rate" in shown.first.text_content()
    field.fill("")
    assert shown.count() > 80


def test_all_metrics_can_be_searched(page):
    page.locator("summary", has_text="All metrics").click()
    page.locator('input.filter[data-table="t-metrics"]').fill("M19")
    assert page.locator("#t-metrics tbody tr:visible").count() == 2
    page.locator('input.filter[data-table="t-metrics"]').fill("region south")
    shown = page.locator("#t-metrics tbody tr:visible")
    assert shown.count() == 3 and all("not printed" in text for text in shown.all_text_contents())  # 40 people


def test_dark_and_light(page, browser, report):
    def colours(p):
        return p.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")

    light = colours(page)
    page.locator("#theme").click()
    dark = colours(page)
    assert dark != light and page.locator("#theme").get_attribute("aria-pressed") == "true"
    page.locator("#theme").click()
    assert colours(page) == light
    context = browser.new_context(color_scheme="dark")
    other = context.new_page()
    other.goto((report / "report.html").as_uri())
    assert colours(other) == dark
    context.close()


def test_data_of_every_figure_can_be_downloaded(page, tmp_path):
    links = page.locator("figcaption a[download]")
    assert links.count() == page.locator("figure").count() == 8
    for number in range(links.count()):
        with page.expect_download() as waiting:
            links.nth(number).click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        with path.open() as file:
            rows = list(csv.DictReader(file))
        assert rows and len(rows[0]) >= 4, path


def test_prints(page):
    printed = page.pdf(format="A4", landscape=True)
    assert printed.startswith(b"%PDF") and len(printed) > 50_000
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible() and not page.locator("#theme").is_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(media="print", color_scheme=scheme)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", [1100, 390])
def test_nothing_is_wider_than_the_page(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.eval_on_selector_all("details", "parts => parts.forEach(part => { part.open = true; })")
    found = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
    told = [(v["id"], v["help"], [n["target"] for n in v["nodes"][:3]]) for v in found.response["violations"]]
    assert told == []


def test_usable_without_scripts(browser, report):
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto((report / "report.html").as_uri())
    assert plain.locator("#t-candidates tbody tr").count() == 3 and not plain.locator("#theme").is_visible()
    assert not plain.locator("input.filter").first.is_visible()
    context.close()


def test_size_and_time(report):
    assert os.path.getsize(report / "report.html") < 5e6


# ---- pages of a study and of a calibration -----------------------------------------------------------------------

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


def with_followers(scenario, replicate, *, threads=1, report=None):
    """The invented engine, and followers, which a calibration asks for."""
    outcome = fake_world.simulate(scenario, replicate, threads=threads, report=report)
    arms = (("shared", -14), ("factual", 0), ("counterfactual", 0))
    rows = [(replicate, 0, arm, day, c.id, 100 + day) for c in scenario.candidates for arm, day in arms]
    columns = ["replicate", "branch", "arm", "day", "candidate", "followers"]
    outcome.frames["followers"] = pd.DataFrame(rows, columns=columns)
    return outcome


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """The pages of a study and of a calibration."""
    folder = tmp_path_factory.mktemp("others")
    scenario = load(fake_world.SMALL, ["run.replicates=3", "run.luck_branches=1"])
    write_study(
        sweep(scenario, AXES, out=folder / "s", cells=folder / "cells", workers=1, simulate=fake_world.simulate)
    )
    path = folder / "calibration.yaml"
    path.write_text(yaml.safe_dump(CALIBRATION))
    write_calibration(calibrate(path, out=folder / "c", worlds=folder / "w", workers=1, simulate=with_followers))
    return {"sweep": folder / "s" / "sweep.html", "calibration": folder / "c" / "calibration.html"}


@pytest.fixture(params=["sweep", "calibration"])
def other(browser, others, request):
    """One of them on a telephone, without a network, with what went wrong and every address that was asked for."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, offline=True)
    opened = context.new_page()
    opened.wrong, opened.asked = [], []
    opened.on("console", lambda message: opened.wrong.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: opened.wrong.append(str(error)))
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.address = others[request.param].as_uri()
    opened.goto(opened.address)
    yield opened
    context.close()


def violations(page):
    found = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
    return [(v["id"], v["help"], [n["target"] for n in v["nodes"][:3]]) for v in found.response["violations"]]


def test_other_pages_ask_for_nothing_and_fit_a_telephone(other):
    assert other.wrong == [] and other.asked == [other.address]
    for width in (390, 1100):
        other.set_viewport_size({"width": width, "height": 844})
        assert other.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_other_pages_are_accessible(other, scheme):
    other.emulate_media(color_scheme=scheme)
    dark = other.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark") and violations(other) == []


def test_whatever_scrolls_on_a_telephone_can_be_reached_by_keyboard(other, page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.eval_on_selector_all("details", "parts => parts.forEach(part => { part.open = true; })")
    for shown in (other, page):
        scrolled = shown.eval_on_selector_all(
            "figure, .wide", "all => all.filter(x => x.scrollWidth > x.clientWidth).map(x => x.tabIndex)"
        )
        assert scrolled and set(scrolled) == {0}
    assert other.locator("figure svg[role=img][aria-label]").count() == other.locator("figure figcaption").count() > 2


def test_other_pages_print(other):
    assert other.pdf(format="A4", landscape=True).startswith(b"%PDF")
    other.emulate_media(media="print", color_scheme="dark")
    assert other.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    cut = "all => all.filter(x => getComputedStyle(x).overflowX !== 'visible').length"
    assert other.eval_on_selector_all("figure, .wide", cut) == 0  # nothing is cut off on paper
