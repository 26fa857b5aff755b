"""The list of people and what is stored of one: renamed, merged, removed, exported; odd names."""

import json

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from page import LONG, PageTest
from world import World

HOSTILE = "<img src=x onerror=alert(1)>"


class People(PageTest):
    def test_search_and_paging(self):
        self.api.json("POST", "v1/synthetic-people", {"people": 60})
        self.ready("#people")
        self.until(lambda: len(self.rows()) == 50, "a page of 50")
        self.assertEqual(self.text(".people-list ~ .paging .place"), "1–50 of 60")
        self.assertFalse(self.button("Previous").is_enabled())
        self.picture("people_many")
        self.press("Next")
        self.until(lambda: len(self.rows()) == 10, "the last ten")
        self.assertEqual(self.text(".place"), "51–60 of 60")
        self.assertFalse(self.button("Next").is_enabled())
        self.press("Previous")
        self.until(lambda: len(self.rows()) == 50, "the first page again")
        search = self.one("#people input[type=search]")
        search.send_keys("SYNTHETIC 1")
        self.until(lambda: len(self.rows()) == 10, "Synthetic 10 to 19")
        self.assertEqual(self.text(".count"), "10 people found")
        self.assertFalse(self.one(".paging").is_displayed())
        search.send_keys("x")
        self.until_text(".empty", "Nobody’s name holds “SYNTHETIC 1x”")
        self.picture("people_none_found")
        self.press("Show everybody")
        self.until(lambda: len(self.rows()) == 50, "everybody")

    def test_rename(self):
        self.api.enrol("Ada", self.face(0).read_bytes())
        self.ready("#people")
        self.row("Ada")
        self.press("Rename Ada")
        field = self.focused()
        self.assertEqual(field.accessible_name, "New name of Ada")
        field.clear()
        field.send_keys("Ada Lovelace", Keys.ENTER)
        self.row("Ada Lovelace")
        self.assertEqual(self.api.names(), ["Ada Lovelace"])
        self.press("Rename Ada Lovelace")
        self.type("Nobody", Keys.ESCAPE)
        self.row("Ada Lovelace")
        self.assertEqual(self.focused().accessible_name, "Rename Ada Lovelace")

    def test_merging_asks(self):
        self.api.enrol("Ada", self.face(0).read_bytes())
        self.api.enrol("Grace", self.face(1).read_bytes())
        self.ready("#people")
        self.row("Ada")
        self.press("Rename Ada")
        field = self.focused()
        field.clear()
        field.send_keys("Grace", Keys.ENTER)
        self.shown("[role=alertdialog]")
        self.assertIn("There is already somebody called Grace, with 1 picture.",
                      self.text("[role=alertdialog]"))
        self.assertEqual(self.focused().text, "Keep both")
        self.picture("people_merge")
        self.type(Keys.ENTER)
        self.assertFalse(self.all("[role=alertdialog]"))
        self.assertEqual(sorted(self.api.names()), ["Ada", "Grace"])
        self.type(Keys.ENTER)
        self.press("Merge into Grace")
        self.until(lambda: self.rows() == ["Grace"], "one person")
        self.assertEqual(self.api.people()[0]["templates"], 2)

    def test_who_has_one_photo(self):
        for person, name in enumerate(("Ada", "Grace", "Alan")):
            self.api.enrol(name, self.face(person).read_bytes())
        self.api.enrol("Grace", self.face(1, 1).read_bytes())
        self.ready("#people")
        self.assertEqual(self.row("Ada").find_element(By.CSS_SELECTOR, ".chip").text, "one photo")
        self.assertIn("2 pictures", self.row("Grace").text)
        self.assertFalse(self.row("Grace").find_elements(By.CSS_SELECTOR, ".chip"))
        self.press("One photo")
        self.until(lambda: self.rows() == ["Ada", "Alan"], "those with one")
        self.assertEqual(self.button("One photo").get_attribute("aria-pressed"), "true")
        self.until_text("#people .count", "2 people with one photo found")
        self.assertIn("from about 21 to 6", self.text("#people"))
        self.picture("people_one_photo")
        self.api.enrol("Ada", self.face(0, 1).read_bytes())
        self.api.enrol("Alan", self.face(2, 1).read_bytes())
        self.press("One photo")
        self.until(lambda: len(self.rows()) == 3, "everybody")
        self.press("One photo")
        self.until_text(".empty", "Nobody has one photo only")
        self.press("Show everybody")
        self.until(lambda: len(self.rows()) == 3, "everybody")

    def test_remove_and_undo(self):
        for person, name in enumerate(("Ada", "Grace")):
            self.api.enrol(name, self.face(person).read_bytes())
        self.ready("#people")
        self.row("Ada")
        self.press("Remove Ada")
        self.until(lambda: self.rows() == ["Grace"], "Grace alone")
        self.assertEqual(self.api.names(), ["Grace"])
        self.until_text("#toasts", "Ada was removed.")
        self.picture("people_removed")
        self.press("Undo", "#toasts")
        self.row("Ada")
        self.assertEqual(sorted(self.api.names()), ["Ada", "Grace"])
        self.until_text("#toasts", "Ada is back.")
        # The same person as before, not only the name.
        self.assertEqual(self.api.identify(self.face(0).read_bytes())[0]["name"], "Ada")

    def test_details_and_export(self):
        self.api.enrol("Ada Lovelace", self.face(0, 0).read_bytes())
        self.api.enrol("Ada Lovelace", self.face(0, 1).read_bytes())
        self.ready("#people")
        self.row("Ada Lovelace").find_element(By.CSS_SELECTOR, "a").click()
        self.until(lambda: len(self.all(".template")) == 2, "two pictures")
        self.assertEqual(self.focused().text, "Ada Lovelace")
        self.assertIn("The photos themselves are not stored.", self.text(".person"))
        for word in ("added", "quality", "digest"):
            self.assertIn(word, self.text(".template dl"))
        self.picture("person")
        self.press("Export")
        file = World.folder / "downloads" / "Ada Lovelace.jsonl"
        self.until(file.exists, "the download")
        for line in file.read_text(encoding="utf-8").splitlines():
            json.loads(line)
        self.press("Remove picture 2")
        self.until(lambda: len(self.all(".template")) == 1, "one picture")
        self.assertEqual(self.api.people()[0]["templates"], 1)
        self.assertFalse(self.button("Remove picture 1").is_enabled())
        self.press("Remove", ".person .card > .row")
        self.until_text(".empty", "Nobody is enrolled yet")
        self.press("Undo", "#toasts")
        self.until_text(".person h2", "Ada Lovelace")

    def test_nobody_of_that_name(self):
        self.expected = [404]
        self.ready("#people/Nobody")
        self.until_text(".person [role=alert]", "There is nobody of this name")

    def test_a_name_is_never_markup(self):
        self.api.enrol(HOSTILE, self.face(0).read_bytes())
        self.api.enrol(LONG.strip(), self.face(1).read_bytes())
        self.ready("#people")
        self.row(HOSTILE).find_element(By.CSS_SELECTOR, "a").click()
        self.until_text(".person h2", HOSTILE)
        self.go("#identify")
        self.give([self.face(0)], "#identify")
        self.until_text(".answer h3", HOSTILE)
        self.press("Start camera")
        self.shown(".in-view .answer")
        self.go("#people")
        self.press(f"Remove {HOSTILE}")
        self.until_text("#toasts", HOSTILE)
        self.assertFalse(self.all("img[src=x]"))
        self.press("Undo", "#toasts")
        self.row(HOSTILE)
        self.picture("people_odd_names")
