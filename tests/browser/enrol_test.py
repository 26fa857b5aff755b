"""People become known: from files of one, from a file each, by the camera."""

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from page import PageTest
from world import World


class Enrol(PageTest):
    def test_files_of_one_person(self):
        self.ready("#people?enrol")
        self.give([self.face(3, 0), self.face(3, 1)], ".enrol")
        self.assertEqual(len(self.all(".pictures .picture")), 2)
        self.press("Enrol 2 pictures")
        self.until_text(".enrol [role=alert]", "Whom do the pictures show?")
        self.assertEqual(self.focused().accessible_name, "Name")
        self.type("Emmy Noether", Keys.ENTER)
        self.until_text(".enrol .status-line", "2 pictures of Emmy Noether enrolled.")
        self.assertEqual(len(self.all(".picture[data-state=done]")), 2)
        self.row("Emmy Noether")
        self.assertEqual(self.api.people()[0]["templates"], 2)

    def test_one_person_per_file_with_an_error_at_its_own(self):
        self.expected = [400]
        self.ready("#people?enrol")
        self.choose("each")
        self.give([self.face(3), World.folder / "notes.txt", self.face(4)], ".enrol")
        names = [field.get_attribute("value") for field in self.all(".own-name input")]
        self.assertEqual(names, ["person3 0", "notes", "person4 0"])
        self.picture("enrol_files")
        self.press("Enrol 3 pictures")
        self.until_text(".enrol .status-line", "2 pictures of 2 people enrolled; 1 could not be")
        failed = self.one(".picture[data-state=failed]")
        self.assertIn("notes.txt", failed.text)
        self.assertIn("Choose a JPEG, PNG or WebP picture.",
                      failed.find_element(By.CSS_SELECTOR, "[role=alert]").text)
        self.button("Try 1 picture again")
        self.assertEqual(sorted(self.api.names()), ["person3 0", "person4 0"])
        self.picture("enrol_done")
        self.press("Leave out notes.txt")
        self.assertEqual(len(self.all(".pictures .picture")), 2)

    def test_the_camera(self):
        self.ready("#people?enrol")
        self.choose("camera")
        self.press("Start camera", ".enrol")
        self.press("Take picture", ".enrol")
        self.until(lambda: self.all(".pictures .picture"), "the picture")
        self.until(lambda: self.driver.execute_script(
            "return document.querySelector('.picture img').naturalWidth") > 0, "its preview")
        field = next(f for f in self.all(".enrol input[type=text]") if f.is_displayed())
        field.send_keys("Ada Lovelace")
        self.picture("enrol_camera")
        self.press("Enrol 1 picture")
        self.row("Ada Lovelace")
        self.assertEqual(self.api.names(), ["Ada Lovelace"])
        self.press("Close", ".enrol")
        self.until(lambda: not self.one(".enrol").is_displayed(), "the form's end")
        # Whom the camera was shown is recognised by it.
        self.go("#identify")
        self.press("Start camera")
        self.until(lambda: self.text(".in-view .answer h3") == "Ada Lovelace", "Ada in view")
