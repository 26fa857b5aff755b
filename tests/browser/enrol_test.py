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

    def start_camera(self):
        self.ready("#people?enrol")
        self.choose("camera")
        self.press("Start camera", ".enrol")

    def previews(self, number):
        """The pictures taken, once the browser shows them."""
        self.until(lambda: self.driver.execute_script(
            "const all = [...document.querySelectorAll('.pictures .picture img')];"
            "return all.length === arguments[0] && all.every((image) => image.naturalWidth)",
            number), f"{number} pictures")
        return self.all(".pictures .picture")

    def type_name(self, name):
        next(f for f in self.all(".enrol input[type=text]") if f.is_displayed()).send_keys(name)

    def test_one_picture_of_the_camera(self):
        self.start_camera()
        self.press("Take picture", ".enrol")
        self.previews(1)
        self.until_text(".enrol .taken", "1 of 5 photos.")
        self.button("Take four more", ".enrol")
        self.type_name("Ada Lovelace")
        self.press("Enrol 1 picture")
        self.row("Ada Lovelace")
        self.until_text(".enrol", "1 picture of Ada Lovelace enrolled.")
        self.assertEqual(self.api.people()[0]["templates"], 1)

    def test_five_pictures_of_the_camera(self):
        self.start_camera()
        self.until(lambda: self.focused().text == "Take five pictures", "the focus")
        self.type(Keys.ENTER)
        self.previews(5)
        self.until_text(".enrol .taken", "5 of 5 photos. Type a name, then enrol.")
        self.until(lambda: self.focused().accessible_name == "Name", "the focus at the name")
        self.assertFalse([b for b in self.all(".enrol button")
                          if b.is_displayed() and "more" in b.text])
        # One is left out, and another taken instead.
        self.press("Leave out camera 2.jpg")
        self.previews(4)
        self.assertEqual(self.text(".enrol .taken"), "4 of 5 photos.")
        self.picture("enrol_camera")
        self.press("Take one more", ".enrol")
        self.previews(5)
        self.until(lambda: self.focused().accessible_name == "Name", "the focus at the name")
        self.media(dark=True)
        self.picture("enrol_camera_dark")
        self.media()
        self.window(360, 740, phone=True)
        self.picture("enrol_camera_phone")
        self.window(1280, 900)
        # All of them go in one request.
        self.driver.execute_script("""
            const fetch = window.fetch.bind(window);
            window.enrolments = 0;
            window.fetch = (path, options) => {
              if (options?.method === 'POST' && !String(path).includes('faces')) {
                ++window.enrolments;
              }
              return fetch(path, options);
            };""")
        self.type_name("Ada Lovelace")
        self.type(Keys.ENTER)
        self.until_text(".enrol", "5 pictures of Ada Lovelace enrolled.")
        self.assertEqual(self.driver.execute_script("return window.enrolments"), 1)
        self.assertEqual(self.api.people()[0]["templates"], 5)
        self.assertEqual(len(self.all(".picture[data-state=done]")), 5)
        self.press("Close", ".enrol")
        self.until(lambda: not self.one(".enrol").is_displayed(), "the form's end")
        # Whom the camera was shown is recognised by it.
        self.go("#identify")
        self.press("Start camera")
        self.until(lambda: self.text(".in-view .answer h3") == "Ada Lovelace", "Ada in view")

    def test_taking_can_be_stopped(self):
        self.start_camera()
        self.press("Take five pictures", ".enrol")
        self.until(lambda: self.all(".pictures .picture"), "the first")
        self.press("Stop", ".enrol")
        self.until_text(".enrol .taken", "Stopped.")
        number = len(self.all(".pictures .picture"))
        self.driver.execute_async_script("setTimeout(arguments[0], 1500)")
        self.assertEqual(len(self.all(".pictures .picture")), number)

    def test_a_picture_that_cannot_be_enrolled(self):
        """All or none: the page says which one it is."""
        self.expected = [400]
        self.start_camera()
        for number in (1, 2):
            self.press("Take picture", ".enrol")
            self.previews(number)
        self.driver.execute_script("""
            const fetch = window.fetch.bind(window);
            window.fetch = (path, options) => {
              if (String(path).endsWith('/photos')) {
                window.fetch = fetch;
                options.body.set('photo', new Blob(['no picture']), 'camera 2.jpg');
              }
              return fetch(path, options);
            };""")
        self.type_name("Ada Lovelace")
        self.press("Enrol 2 pictures")
        self.until_text(".whom > div > .notice", "Leave this picture out, then enrol the others.")
        failed = self.one(".picture[data-state=failed]")
        self.assertIn("camera 2.jpg", failed.get_attribute("textContent"))
        self.assertEqual(self.api.names(), [])
        self.picture("enrol_camera_failed")
        self.press("Leave out camera 2.jpg")
        self.press("Enrol 1 picture")
        self.until_text(".enrol", "1 picture of Ada Lovelace enrolled.")

    def test_which_frames_are_kept(self):
        """The rule by itself, as the model of these tests finds no faces."""
        def advice(faces, kept, aligns=True):
            return self.driver.execute_async_script("""
                const [faces, kept, aligns, done] = arguments;
                import('/good_frames.js').then((frames) => {
                  done(frames.adviceForFrame(faces, kept, aligns));
                }, (error) => done(String(error)));""", faces, kept, aligns)

        self.ready("#people?enrol")
        box, good = [100, 100, 80, 80], 0.5
        face = {"box": box, "quality": good}
        self.assertEqual(advice([face], []), "")
        self.assertIn("No face", advice([], []))
        self.assertIn("Several faces", advice([face, face], []))
        self.assertIn("Too dark or blurred", advice([{"box": box, "quality": 0.01}], []))
        self.assertIn("Turn your head", advice([face], [box]))
        self.assertIn("Turn your head", advice([face], [[200, 0, 80, 80], [103, 103, 80, 80]]))
        self.assertEqual(advice([face], [[110, 100, 80, 80]]), "")   # aside
        self.assertEqual(advice([face], [[96, 96, 88, 88]]), "")     # nearer
        # Where no face is found, time alone counts.
        self.assertEqual(advice([face], [box], False), "")
        self.assertIn("nothing", advice([], [], False))
