"""How a test speaks to the page: it opens it, waits, presses, gives files and reads."""

import base64
import re
import unittest

from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from world import World

PATIENCE = 60  # seconds; a busy machine is slow, and nothing waits longer than it must
LONG = "Wolfeschlegelsteinhausenbergerdorff " * 3


class PageTest(unittest.TestCase):
    """A fresh page on an empty gallery for each test, and no error on the console after it."""

    def setUp(self):
        self.driver, self.api = World.driver, World.api
        self.expected = []  # statuses that the browser may report, where a test provokes them
        self.api.clear()
        if self.api.json("GET", "v1/model")["decision"]["distance"] is not None:
            self.api.json("PUT", "v1/decision", {"fpir": 0.01})
        self.window(1280, 900)
        self.media()
        self.driver.get("about:blank")
        self.driver.get_log("browser")

    def tearDown(self):
        for entry in self.driver.get_log("browser"):
            provoked = re.search(r"responded with a status of (\d+)", entry["message"])
            if provoked and int(provoked.group(1)) in self.expected:
                continue
            self.fail(f"on the console: {entry['level']} {entry['message']}")

    # ---- The browser ----

    def window(self, width, height, phone=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone})

    def media(self, dark=False, calm=False):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"}]})

    def open(self, hash_="", url=None):
        self.driver.get("about:blank")
        self.driver.get((url or self.api.url) + "/" + hash_)

    def ready(self, hash_=""):
        self.open(hash_)
        self.until(lambda: " in the gallery" in self.one("#foot").text, "the service's answer")

    def go(self, hash_):
        self.driver.execute_script("location.hash = arguments[0]", hash_)
        view = re.match(r"#([a-z]*)", hash_).group(1)
        self.until(lambda: self.one(f"#{view}").is_displayed(), hash_)

    def until(self, condition, what, patience=PATIENCE):
        """Elements are drawn anew at any time: one that is gone is only not there yet."""
        def holds(_):
            try:
                return condition()
            except (StaleElementReferenceException, IndexError):
                return False
        return WebDriverWait(self.driver, patience, poll_frequency=0.05,
                             ignored_exceptions=[WebDriverException]).until(
                                 holds, f"waited for {what}")

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def shown(self, css):
        return self.until(lambda: next((e for e in self.all(css) if e.is_displayed()), None), css)

    def text(self, css):
        return self.driver.execute_script(
            "return document.querySelector(arguments[0])?.textContent ?? ''", css)

    def until_text(self, css, words):
        self.until(lambda: words in self.text(css), f"{words!r} in {css}, which holds " +
                   repr(self.text(css)))

    def button(self, name, within="main"):
        """The button or link that is called so, as a screen reader says it."""
        def find():
            for element in self.all(f"{within} button, {within} a"):
                if element.is_displayed() and element.accessible_name == name:
                    return element
            return None
        return self.until(find, f"the button {name!r}")

    def press(self, name, within="main"):
        self.button(name, within).click()

    def give(self, files, within):
        self.one(f"{within} input[type=file]").send_keys("\n".join(map(str, files)))

    def choose(self, value):
        self.one(f".enrol input[type=radio][value={value}]").click()

    def focused(self):
        return self.driver.switch_to.active_element

    def type(self, *keys):
        self.focused().send_keys(*keys)

    def row(self, name):
        return self.until(lambda: next(
            (row for row in self.all(".person-row")
             if row.find_element(By.CSS_SELECTOR, "a").text == name), None), f"{name} in the list")

    def rows(self):
        return [link.text for link in self.all(".person-row .about a")]

    def picture(self, name):
        """The whole page as a PNG file; a phone's bar of views stays at its foot."""
        width, before = self.driver.execute_script("return [innerWidth, innerHeight]")
        phone = width < 680
        self.driver.execute_script("window.scrollTo(0, 0)")
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.window(width, max(height, before), phone)
        # Two frames: the charts have seen the new size then.
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => done()));")
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        (World.options.output / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
        self.window(width, before, phone)

    def face(self, person, picture=0):
        return World.faces[person][picture]

    def stranger(self):
        """A picture that the service takes for nobody; which ones, the model knows."""
        for person in range(5, len(World.faces)):
            file = self.face(person)
            if not self.api.identify(file.read_bytes())[0]["known"]:
                return file
        self.skipTest("this model takes every stranger for somebody")
        return None
