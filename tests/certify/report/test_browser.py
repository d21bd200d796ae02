"""The page opens in a real browser without an error, on a desk and on a phone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from pytest_xks.certify.report.html import render_html

BROWSER = next(
    filter(
        None,
        map(
            shutil.which,
            (
                "chromium-headless-shell",
                "chromium",
                "chromium-browser",
                "google-chrome",
            ),
        ),
    ),
    None,
)

pytestmark = pytest.mark.skipif(not BROWSER, reason="there is no Chromium")

# Reports what went wrong, and whether anything is wider than the window.
PROBE = """
<script>
window.problems = [];
addEventListener("error", e => problems.push(String(e.message)));
addEventListener("securitypolicyviolation", e => problems.push(e.violatedDirective));
addEventListener("load", () => {
  const wide = document.documentElement.scrollWidth > innerWidth;
  const report = { problems, wide, plot: document.querySelectorAll("circle").length };
  const pre = document.createElement("pre");
  pre.id = "probe";
  pre.textContent = JSON.stringify(report);
  document.body.append(pre);
});
</script>
"""


def open_page(folder, html, size):
    """What the page reports of itself in a window of that size."""
    page = folder / "report.html"
    page.write_text(html.replace("<style>", f"{PROBE}<style>", 1))
    done = subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={size}",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout)
    return json.loads(found[1])


@pytest.mark.parametrize(
    "size", [pytest.param("1200,900", id="desk"), pytest.param("500,900", id="phone")]
)
def test_page_opens(failing, tmp_path, size):
    """No script error, nothing blocked, nothing wider than the window."""
    report = open_page(tmp_path, render_html(failing), size)

    assert [] == report["problems"]
    assert not report["wide"]
    assert report["plot"] > 0
