"""Two photos beside each other, and why they are alike."""

from selenium.webdriver.common.by import By

from page import PageTest
from world import World


class Compare(PageTest):
    def give_both(self, first, second):
        slots = self.all("#compare .slot input[type=file]")
        slots[0].send_keys(str(first))
        slots[1].send_keys(str(second))
        self.shown(".comparison .scale")

    def test_one_person_and_why(self):
        self.ready("#compare")
        self.picture("compare_empty")
        self.give_both(self.face(0, 0), self.face(0, 0))
        self.until_text(".decision", "The same person")
        self.assertIn("Their distance is 0.00", self.text(".comparison"))
        self.assertIn("below the threshold", self.one(".scale").get_attribute("aria-label"))
        self.press("Show why")
        image = self.shown(".heat img")
        self.assertIn("side by side", image.get_attribute("alt"))
        self.until(lambda: self.driver.execute_script(
            "return document.querySelector('.heat img').naturalWidth") > 0, "the heat")
        self.picture("compare_same")

    def test_two_people(self):
        self.ready("#compare")
        self.give_both(self.face(0, 0), self.face(4, 0))
        self.assertRegex(self.text(".comparison"), r"\d+ (in|in a) .* pairs of strangers")
        self.picture("compare_two")
        self.all("#compare .slot")[1].find_element(By.XPATH,
                                                   ".//button[contains(., 'Another')]").click()
        self.until(lambda: not self.one(".comparison").is_displayed(), "nothing to compare")

    def test_the_camera(self):
        self.ready("#compare")
        self.all("#compare .slot")[0].find_element(By.XPATH,
                                                   ".//button[contains(., 'camera')]").click()
        self.until(lambda: self.all("#compare .slot .screen.live"), "the camera's picture")
        self.press("Take picture", "#compare")
        self.shown("#compare .chosen img")
        self.give([self.face(0, 1)], "#compare .slot:nth-child(2)")
        self.shown(".comparison .scale")

    def test_no_picture(self):
        self.expected = [400]
        self.ready("#compare")
        slots = self.all("#compare .slot input[type=file]")
        slots[0].send_keys(str(World.folder / "notes.txt"))
        slots[1].send_keys(str(self.face(0)))
        self.until_text(".comparison [role=alert]", "JPEG, PNG or WebP")
