"""A saved report in a real browser: on a screen, on a telephone, on paper, by keyboard."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
import reported

import asrlab as lab
from asrlab.views.report import Report

#: Texts that are folded away and take no room.
_CLOSED = """() => [...document.querySelectorAll('details')].filter(
  e => e.lastElementChild.getBoundingClientRect().height === 0).length"""
_WIDTH = "(e, px) => { e.style.width = px + 'px'; const w = e.scrollWidth; e.style.width = ''; return w }"

browsing = pytest.importorskip("browsing", reason="needs playwright and axe-playwright-python")


def test_a_report_is_read_on_screen_telephone_and_paper(tmp_path):
    plt.switch_backend("agg")
    text = " ".join(reported.HOSTILE)
    known = reported.dataset(tmp_path)
    frame = reported.transcripts({**reported.HEARD, ("none", "on"): text.replace("{", "").replace("}", "")})
    scores = reported.marked(frame, known)
    results = lab.summarize(scores, by="context"), lab.compare(scores, along="context", baseline="none")
    report = Report(reported.sweep(frame, dataset=known, about={text[:40]: text}), scores, *results, question=text)
    path = report.add("Advice", text).save(tmp_path / "r.html")
    with browsing.chromium() as browser:
        with browsing.visit(browser, path.as_uri()) as seen:
            page = seen.page
            assert seen.faults() == []
            assert page.get_by_role("navigation").get_by_role("link").count() == page.get_by_role("region").count()
            # By keyboard: to a section, and into it.
            page.get_by_role("link", name="Failures").focus()
            page.keyboard.press("Enter")
            page.wait_for_function("() => scrollY > 0")
            assert page.get_by_role("heading", name="Failures").bounding_box()["y"] < 200
            assert browsing.plays(page, page.locator("audio").first)
            # On paper: sounds by their names, and nothing that is scrolled.
            page.emulate_media(media="print")
            assert not page.locator("audio").first.is_visible()
            assert page.get_by_text("[sound: u", exact=False).first.is_visible()
            assert page.get_by_text("as written").first.is_visible()
            assert page.evaluate(_CLOSED) == 0
            assert len(page.pdf(format="A4")) > 10_000
            # What is wider than the page would have all of it made smaller: it is laid across, 267 mm at 96 pixels.
            for section in page.locator("section").all():
                wide = "wide" in (section.get_attribute("class") or "")
                assert section.evaluate(_WIDTH, 1009 if wide else 680) <= (1009 if wide else 680)
        with browsing.visit(browser, path.as_uri(), size=(400, 800)) as seen:
            wide = seen.page.evaluate("() => document.documentElement.scrollWidth")
            assert wide <= 400  # what is wider is scrolled within its section
            assert seen.faults() == []
        with browsing.visit(browser, path.as_uri()) as seen:
            seen.page.emulate_media(color_scheme="dark")
            assert seen.page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
            # Without styles the signs and the signs alone tell what went wrong.
            seen.page.evaluate(
                "() => document.querySelectorAll('style, [style]').forEach(e => e.removeAttribute('style'))"
            )
            assert "→castle" in seen.page.locator("main").inner_text().replace(" ", "")
