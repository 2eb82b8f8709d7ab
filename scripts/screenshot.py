"""Photographs the demo's pages and a simulation's report: ``python -m scripts.screenshot [SECONDS]``, docs/images."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import sync_playwright

from scripts.repository import ROOT

ADDRESS: Final = "http://127.0.0.1:8080"
IMAGES: Final = ROOT / "docs" / "images"
OFFICE: Final = ROOT / "simulations" / "scenarios" / "office.toml"
RUN_BEFORE_S: Final = 420.0
"""By then cars have come and have charged something, and the building has changed its load a few times."""
START_WITHIN_S: Final = 60.0
END_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a page: as a browser shows it on a screen of that size [px]."""

    name: str
    address: str
    width: int = 1280
    height: int = 1120


DEMO: Final = (
    Picture("page.png", ADDRESS),
    Picture("driver.png", f"{ADDRESS}/p/P01", width=440, height=1120),
    Picture("statements.png", f"{ADDRESS}/statements", height=760),
)


def wait_until_running(demo: subprocess.Popen[bytes]) -> None:
    """Return once the control loop turns.

    Raises:
        RuntimeError: the demo ended, or did not start in time.
    """
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline and demo.poll() is None:
        try:
            with urllib.request.urlopen(f"{ADDRESS}/healthz", timeout=2):  # noqa: S310 - an address of our own
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.5)
    raise RuntimeError(f"the demo does not answer at {ADDRESS}")


def photograph(pictures: Iterable[Picture]) -> None:
    """Open pages in Debian's Chromium, and keep what they show."""
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        for picture in pictures:
            page = browser.new_page(viewport={"width": picture.width, "height": picture.height})
            page.goto(picture.address, wait_until="load")
            page.wait_for_timeout(5000)  # a few events of the live stream, or all plots of a report
            page.screenshot(path=IMAGES / picture.name)
            page.close()
        browser.close()


def photograph_demo(run_before_s: float) -> None:
    """Start the demo, wait, photograph, end it."""
    demo = subprocess.Popen(["loadstar", "demo"], stdout=subprocess.DEVNULL)
    try:
        wait_until_running(demo)
        time.sleep(run_before_s)
        photograph(DEMO)
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(END_WITHIN_S)


def photograph_report() -> None:
    """Simulate the office, and photograph the head of its report."""
    with TemporaryDirectory() as folder:
        command = ["loadstar", "simulate", str(OFFICE.relative_to(ROOT)), "--out", folder]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        photograph([Picture("report.png", f"file://{folder}/report.html")])


def main() -> int:
    """Both, one after the other; without the demo where it is given no time."""
    run_before_s = float(sys.argv[1]) if len(sys.argv) > 1 else RUN_BEFORE_S
    IMAGES.mkdir(exist_ok=True)
    photograph_report()
    if run_before_s > 0:
        photograph_demo(run_before_s)
    print(f"written: {IMAGES.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
