"""A service that asks for keys: its form, and what a key does not open."""

from selenium.webdriver.common.keys import Keys

from page import PageTest
from service import Api
from world import World


class Access(PageTest):
    """A service that asks for keys."""

    def setUp(self):
        super().setUp()
        if not World.keyed:
            self.skipTest("no service with keys: see --keyed-url")
        self.url, self.keys = World.keyed
        self.admin = Api(self.url, self.keys["admin"])
        self.admin.clear()
        self.admin.enrol("Ada", self.face(0).read_bytes())
        self.expected = [401]
        self.open(url=self.url)
        self.driver.execute_script("sessionStorage.clear()")
        self.open("#people", self.url)
        self.shown("dialog[open]")

    def enter(self, key):
        field = self.one("dialog input")
        field.clear()
        field.send_keys(key, Keys.ENTER)

    def test_the_form(self):
        field = self.one("dialog input")
        self.assertEqual(self.focused(), field)
        self.assertEqual(field.get_attribute("type"), "password")
        self.press("Show the key", "dialog")
        self.assertEqual(field.get_attribute("type"), "text")
        self.press("Hide the key", "dialog")
        self.assertEqual(field.get_attribute("type"), "password")
        self.picture("key_form")
        self.enter("no such key")
        self.until_text("dialog [role=alert]", "The key was not accepted.")
        self.enter(self.keys["admin"])
        self.row("Ada")
        self.assertEqual(self.driver.execute_script("return localStorage.length"), 0)
        self.assertTrue(self.button("Rename Ada").is_enabled())
        self.press("Forget key", ".access")
        self.shown("dialog[open]")
        self.assertEqual(self.driver.execute_script("return sessionStorage.length"), 0)
        self.press("Cancel", "dialog")
        self.until_text("#service-error [role=alert]", "answers only to those with a key")
        self.press("Enter key", ".access")
        self.shown("dialog[open]")
        self.enter(self.keys["admin"])
        self.row("Ada")

    def test_a_key_that_may_only_recognise(self):
        self.enter(self.keys["recognise"])
        self.row("Ada")
        self.assertFalse(self.button("Rename Ada").is_enabled())
        self.assertFalse(self.button("Remove Ada").is_enabled())
        self.assertIn("may only recognise", self.text(".forbidden"))
        self.assertFalse([e for e in self.all("a[href='#people?enrol']") if e.is_displayed()])
        self.picture("recognise_people")
        self.go("#model")
        if self.all("#model input[type=range]"):
            self.assertFalse(self.button("Save this threshold").is_enabled())
            self.assertIn("may only recognise", self.text(".threshold-card"))
        self.go("#identify")
        self.give([self.face(0)], "#identify")
        self.until_text(".answer h3", "Ada")
        self.assertFalse(self.all(".confirm"))
