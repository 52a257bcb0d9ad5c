"""A Chromium of the system for tests of pages; modules that import this are skipped where something is missing."""

from __future__ import annotations

import contextlib
import shutil

import pytest

CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
if CHROMIUM is None:
    pytest.skip("no Chromium here: pages are not tested in a browser", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright here: pages are not tested in a browser")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe here: accessibility is not tested")

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@contextlib.contextmanager
def chromium():
    """The browser."""
    with sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@contextlib.contextmanager
def watched(browser, path, **options):
    """A page, with everything that went wrong, every address that was asked for, and its own."""
    context = browser.new_context(**options)
    opened = context.new_page()
    opened.wrong, opened.asked, opened.address = [], [], path.as_uri()
    opened.on("console", lambda message: opened.wrong.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: opened.wrong.append(str(error)))
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto(opened.address)
    yield opened
    context.close()


def violations(page):
    """What axe-core finds: rule, meaning, places."""
    found = axe.Axe().run(page, options={"runOnly": RULES})
    return [(v["id"], v["help"], [n["target"] for n in v["nodes"][:3]]) for v in found.response["violations"]]


def colours(page):
    """Of paper and ink."""
    return page.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")


def unreachable(page):
    """How many tables and figures scroll sideways, and those among them that the keyboard does not reach."""
    scrolled = "all => all.filter(x => x.scrollWidth > x.clientWidth).map(x => x.tabIndex)"
    found = page.eval_on_selector_all("figure, .wide", scrolled)
    return len(found), [x for x in found if x != 0]


def pictures(page):
    """Name and caption of each figure, as a screen reader says them."""
    both = "all => all.map(f => [f.querySelector('svg[role=img]').getAttribute('aria-label'), f.querySelector('figcaption').textContent])"
    return page.eval_on_selector_all("figure", both)


def named_apart(page):
    """Whether each picture of a page has a short name of its own that does not repeat what stands below it."""
    found = pictures(page)
    names = [name for name, _ in found]
    return len(set(names)) == len(names) > 0 and all(0 < len(n) < 150 and n not in text for n, text in found)
