"""A real Chromium against the live server. Every page that is inspected must be usable, quiet and self-contained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import APIRequest, Browser, BrowserContext, Page, Playwright, sync_playwright

from agencies.models import User
from hamm_security.celery import app
from tests import factories

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    *("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--no-first-run", "--disable-quic", "--disable-dev-shm-usage"),
)
DESK, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
OWN_HOSTS = {"localhost", "127.0.0.1"}
IMPACTS = {"serious", "critical"}
PATIENCE_MS = 15_000


@dataclass
class Visitor:
    """One person at one browser; `faults` collects what is wrong with the pages, for the end of the story."""

    context: BrowserContext
    page: Page
    base: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}", wait_until="networkidle")

    def text(self) -> str:
        return self.page.locator("body").inner_text()

    def tab_to(self, selector: str, most: int = 60) -> None:
        """Press Tab until the element has the focus, as somebody without a mouse does."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} cannot be reached by the Tab key on {self.page.url}")

    def sign_in(self, user: User) -> None:
        """By keyboard alone, from the start page on."""
        self.open("/")
        self.inspect()
        self.tab_to("#id_username")
        self.page.keyboard.type(user.email)
        self.tab_to("#id_password")
        self.page.keyboard.type(factories.PASSWORD)
        with self.page.expect_navigation(wait_until="networkidle"):
            self.page.keyboard.press("Enter")
        assert self.page.locator("h1").inner_text() == "Start"

    def press(self, name: str, role: str = "button") -> None:
        """Press the button, or follow the link, of that name and wait for the next page."""
        with self.page.expect_navigation(wait_until="networkidle"):
            self.page.get_by_role(role, name=name, exact=True).first.click()

    def inspect(self) -> None:
        """axe-core on the page, and whether it fits a desk and a phone without scrolling sideways."""
        where = f"{self.page.locator('h1').first.inner_text()} ({urlsplit(self.page.url).path})"
        for violation in Axe().run(self.page).response["violations"]:
            if violation["impact"] in IMPACTS:
                spots = [node["html"][:120] for node in violation["nodes"]]
                self.faults.append(f"{where}: {violation['id']} {spots}")
        for size in (PHONE, DESK):
            self.page.set_viewport_size(size)
            root = self.page.evaluate(
                "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            if root[0] > root[1]:
                self.faults.append(f"{where}: {root[0]} px wide at {size['width']} px")


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    if not CHROMIUM.exists():
        pytest.skip("There is no Chromium at /usr/bin/chromium; the browser story needs one.")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # The driver keeps an event loop in this thread; the database is used from outside of it all the same.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield playwright


@pytest.fixture(scope="session")
def browser(driver) -> Iterator[Browser]:
    chromium = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
    yield chromium
    chromium.close()


@pytest.fixture
def playwright_requests(driver) -> APIRequest:
    """Plain requests over the network, outside of any browser."""
    return driver.request


@pytest.fixture
def eager() -> Iterator[None]:
    """Tasks run where they are asked for; no broker is needed."""
    app.conf.update(task_always_eager=True)
    yield
    app.conf.update(task_always_eager=False)


@pytest.fixture
def arrive(browser, live_server, eager):
    """A factory of visitors. At the end no page may have had faults, script errors or requests to other hosts."""
    visitors: list[Visitor] = []

    def arrival() -> Visitor:
        context = browser.new_context(viewport=DESK, locale="de-DE", timezone_id="Europe/Berlin")
        context.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(context, context.new_page(), live_server.url)
        context.on("request", lambda request: _note_host(visitor, request.url))
        context.on("console", lambda message: _note_message(visitor, message))
        context.on("weberror", lambda error: visitor.faults.append(f"script error: {error.error}"))
        visitors.append(visitor)
        return visitor

    yield arrival
    for visitor in visitors:
        visitor.context.close()
    assert [fault for visitor in visitors for fault in visitor.faults] == []


@pytest.fixture
def visit(arrive):
    """A factory of visitors who have signed in."""

    def visitor_of(user: User) -> Visitor:
        visitor = arrive()
        visitor.sign_in(user)
        return visitor

    return visitor_of


def _note_host(visitor: Visitor, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"data", "blob"} and parts.hostname not in OWN_HOSTS:
        visitor.faults.append(f"request to {url}")


def _note_message(visitor: Visitor, message) -> None:
    if message.type in {"error", "warning"}:
        visitor.faults.append(f"console: {message.text}")
