"""Whoever opens the page for the first time, on a gallery of nobody."""

from page import PageTest


class FirstVisit(PageTest):
    def test_explains_itself_and_fills_the_gallery(self):
        self.ready()
        self.shown(".welcome")
        self.assertIn("Nobody is enrolled yet", self.text(".welcome"))
        self.assertTrue(self.button("Enrol somebody").get_attribute("href").endswith(
            "#people?enrol"))
        self.picture("first_visit")
        self.press("Fill with 20 synthetic people")
        self.until(lambda: "20 people" in self.text("#foot"), "20 people")
        self.assertFalse(self.one(".welcome").is_displayed())
        self.assertEqual(len(self.api.names()), 20)
        self.press("A picture of Synthetic 07")
        self.shown(".result .answer")
        faces = self.api.identify(self.api.ask("GET", "v1/synthetic-people/7"))
        self.assertEqual(self.text(".result .answer h3"), faces[0]["name"] or "Unknown")
        self.picture("tried_synthetic")

    def test_empty_lists_say_what_to_do(self):
        self.ready("#people")
        self.until_text(".empty", "Nobody is enrolled yet")
        self.picture("people_empty")
        self.press("Enrol somebody")
        self.shown(".enrol")
        self.assertEqual(self.focused().get_attribute("id"), "enrol-title")

    def test_an_unknown_face_in_an_empty_gallery(self):
        self.ready()
        self.give([self.face(0)], "#identify")
        self.until_text(".result", "Nobody is enrolled yet to compare with.")
