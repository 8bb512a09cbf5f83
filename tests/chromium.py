"""A browser without a window, driven by Playwright, for the pages on which a person clicks."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CONTRAST = """
() => [...document.querySelectorAll('h1, p, li, button, select')].map(element => {
    const light = text => {
        const [r, g, b] = text.match(/[0-9.]+/g).map(Number).map(value => {
            const part = value / 255;
            return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    let under = element;
    while (getComputedStyle(under).backgroundColor === 'rgba(0, 0, 0, 0)') under = under.parentElement;
    const both = [light(getComputedStyle(element).color), light(getComputedStyle(under).backgroundColor)];
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
})
"""
"""The contrast ratio of every text against what lies under it, as WCAG 2 defines it."""


@contextmanager
def chromium_browser() -> Iterator[Any]:
    """Run Chromium for a `with` block; the test skips where it or Playwright is missing."""
    driver = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed (pip install playwright)"
    )
    if CHROMIUM is None:
        pytest.skip("no chromium on the PATH (apt-get install chromium)")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
