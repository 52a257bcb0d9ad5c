"""The report in a real browser: no errors, nothing loaded, sorting, filtering, theme, downloads, print, accessibility.

Needs a Chromium of the system and the package playwright; where there is none, these tests say so and are skipped.
"""

from __future__ import annotations

import csv
import os

import browsing
import fake_world
import pytest

from recsim.experiment import run
from recsim.report import write
from recsim.scenario import load

SETS = ["population.scale=0.0002", "content.items_per_day=60", "days.start=2024-11-18", "run.replicates=3"]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser") / "r"
    write(run(load(fake_world.SMALL, SETS), out=folder, workers=1, robustness=False))
    return folder


@pytest.fixture(scope="module")
def browser():
    with browsing.chromium() as opened:
        yield opened


@pytest.fixture
def page(browser, report):
    options = {"accept_downloads": True, "viewport": {"width": 1100, "height": 900}}
    with browsing.watched(browser, report / "report.html", **options) as opened:
        yield opened


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
    assert len(targets) == 21 and all(targets)


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
    light = browsing.colours(page)
    page.locator("#theme").click()
    dark = browsing.colours(page)
    assert dark != light and page.locator("#theme").get_attribute("aria-pressed") == "true"
    page.locator("#theme").click()
    assert browsing.colours(page) == light
    with browsing.watched(browser, report / "report.html", color_scheme="dark") as other:
        assert browsing.colours(other) == dark and other.locator("#theme").get_attribute("aria-pressed") == "true"


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


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_accessible(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.eval_on_selector_all("details", "parts => parts.forEach(part => { part.open = true; })")
    assert browsing.violations(page) == []
    assert browsing.named_apart(page), browsing.pictures(page)


def test_whatever_scrolls_on_a_telephone_can_be_reached_by_keyboard(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.eval_on_selector_all("details", "parts => parts.forEach(part => { part.open = true; })")
    scrolled, lost = browsing.unreachable(page)
    assert scrolled and lost == []


def test_usable_without_scripts(browser, report):
    with browsing.watched(browser, report / "report.html", java_script_enabled=False) as plain:
        assert plain.locator("#t-candidates tbody tr").count() == 3 and not plain.locator("#theme").is_visible()
        assert not plain.locator("input.filter").first.is_visible()


def test_size_and_time(report):
    assert os.path.getsize(report / "report.html") < 5e6
