"""Who is this? On files, by the camera, pasted, dropped; by a service that is busy or away."""

import base64

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import images
from page import PageTest
from world import World


class Identify(PageTest):
    def setUp(self):
        super().setUp()
        self.api.enrol("Ada Lovelace", self.face(0, 0).read_bytes())
        self.api.enrol("Ada Lovelace", self.face(0, 1).read_bytes())
        self.api.enrol("Grace Hopper", self.face(1, 0).read_bytes())
        self.api.enrol("Alan Turing", self.face(2, 0).read_bytes())

    def test_a_known_person_on_a_file(self):
        self.ready()
        self.give([self.face(0, 0)], "#identify")
        self.shown(".answer.known")
        self.assertEqual(self.text(".answer h3"), "Ada Lovelace")
        self.assertRegex(self.text(".candidate .measure"), r"^\d\.\d+ < \d\.\d+$")
        self.assertRegex(self.text(".candidate .rate"), r"^FPIR ")
        self.assertEqual(len(self.all(".candidate")), 3)
        self.until(lambda: self.all(".photo .box.known"), "the box")
        box, photo = self.one(".photo .box").rect, self.one(".photo img").rect
        self.assertGreaterEqual(box["x"], photo["x"] - 1)
        self.assertLessEqual(box["x"] + box["width"], photo["x"] + photo["width"] + 1)
        self.assertIn("Ada Lovelace", self.one(".photo img").get_attribute("alt"))
        self.picture("identify_known")
        self.press("Clear")
        self.assertFalse(self.one(".answers").is_displayed())

    def test_an_unknown_person_on_a_file(self):
        file = self.stranger()
        self.ready()
        self.give([file], "#identify")
        self.shown(".answer.unknown")
        self.assertEqual(self.text(".answer h3"), "Unknown")
        self.assertIn("≥", self.text(".candidate .measure"))
        self.picture("identify_unknown")

    def test_several_photos_and_an_error_at_its_own(self):
        self.ready()
        self.give([self.face(0, 0), World.folder / "notes.txt", self.face(1, 0)], "#identify")
        self.until(lambda: len(self.all(".result .answer")) == 2, "two answers")
        results = self.all(".result")
        self.assertEqual(len(results), 3)
        alert = results[1].find_element(By.CSS_SELECTOR, "[role=alert]")
        self.assertIn("Choose a JPEG, PNG or WebP picture.", alert.text)
        self.assertIn("notes.txt", results[1].text)
        self.assertEqual(self.text("#results-title"), "3 photos")
        self.picture("identify_several")

    # What the page asks for from now on, and what it says meanwhile. The faces of the next `hidden_`
    # frames are hidden from it; the person may be taken for another one.
    WATCHED = """
        const fetch = window.fetch.bind(window);
        window.asked = {verify: 0, visits: [], single: 0};
        window.hidden_ = 0;
        window.another = false;
        window.fetch = async (path, options) => {
          const route = String(path);
          if (route.startsWith('v1/faces')) {
            if (window.hidden_ > 0) {
              --window.hidden_;
              return new Response(JSON.stringify({photos: [{file: 'camera.jpg', faces: []}]}));
            }
          } else if (route.startsWith('v1/identify')) {
            if (route.includes('visit=1')) {
              window.asked.visits.push(options.body.getAll('photo').length);
            } else {
              ++window.asked.single;
            }
          } else if (route.startsWith('v1/verify')) {
            ++window.asked.verify;
            if (window.another) return new Response(JSON.stringify({distance: 1e9}));
          }
          return fetch(path, options);
        };
        window.aloud = [];
        window.said = [];
        const status = document.querySelector('#identify .card [role=status]');
        const see = (node, to) => new MutationObserver(() => {
          if (to.at(-1) !== node.textContent) to.push(node.textContent);
        }).observe(node, {childList: true, characterData: true, subtree: true});
        see(status, window.aloud);
        see(status.closest('section'), window.said);"""

    def asked(self):
        return self.driver.execute_script("return window.asked")

    def aloud(self):
        """What a screen reader was given to say."""
        return [words for words in self.driver.execute_script("return window.aloud") if words]

    def test_the_camera(self):
        self.ready()
        self.driver.execute_script(self.WATCHED)
        self.press("Start camera")
        self.until(lambda: any("Looking" in words for words in
                               self.driver.execute_script("return window.said")), "it to look")
        self.picture("identify_camera_looking")
        self.until(lambda: self.text(".in-view .answer h3") == "Ada Lovelace", "Ada in view")
        said = "\n".join(self.driver.execute_script("return window.said"))
        self.assertIn("Looking … 1 of 5", said)
        self.assertRegex(self.text(".in-view .measure"), r"^\d\.\d+ < \d\.\d+$")
        # Five, or what there is of a busy service after 2.5 seconds.
        [photos] = self.asked()["visits"]
        self.assertIn(photos, range(2, 6))
        self.until_text("#identify section",
                        f"Decided once for this visit, from {photos} pictures.")
        # The same person goes on to be there: neither decided nor said anew.
        self.until(lambda: self.asked()["verify"] >= 5, "more frames")
        self.assertEqual(self.asked()["visits"], [photos])
        self.assertEqual(self.asked()["single"], 0)
        self.assertEqual(self.aloud(), ["Ada Lovelace"])
        self.picture("identify_camera")
        self.media(dark=True)
        self.picture("identify_camera_dark")
        # Leaving the view lets the camera go.
        track = "document.querySelector('#identify video').srcObject"
        self.driver.execute_script(f"window.track = {track}.getVideoTracks()[0]")
        self.go("#compare")
        self.assertEqual(self.driver.execute_script("return window.track.readyState"), "ended")
        self.go("#identify")
        self.button("Start camera")

    def test_the_next_visit(self):
        self.ready()
        self.driver.execute_script(self.WATCHED)
        self.press("Start camera")
        self.until(lambda: self.aloud() == ["Ada Lovelace"], "Ada in view")
        # Gone for less than the gap: the same visit.
        self.driver.execute_script("window.hidden_ = 1")
        self.until(lambda: self.driver.execute_script("return window.hidden_") == 0, "her absence")
        self.assertEqual(self.text(".in-view .answer h3"), "Ada Lovelace")
        verified = self.asked()["verify"]
        self.until(lambda: self.asked()["verify"] >= verified + 2, "Ada again")
        self.assertEqual(len(self.asked()["visits"]), 1)
        # Gone for longer.
        self.driver.execute_script("window.hidden_ = Infinity")
        self.until_text("#identify section", "No face in view.")
        self.assertFalse(self.all(".in-view .answer"))
        self.picture("identify_camera_nobody")
        self.driver.execute_script("window.hidden_ = 0")
        self.until(lambda: self.aloud() == ["Ada Lovelace"] * 2, "the second visit")
        self.assertEqual(len(self.asked()["visits"]), 2)
        # Another person comes without a break.
        self.driver.execute_script("window.another = true")
        self.until(lambda: len(self.asked()["visits"]) > 2, "the third visit")
        self.driver.execute_script("window.another = false")
        self.assertEqual(self.asked()["single"], 0)

    def test_a_visit_before_others(self):
        """The largest face counts, and only what shows it goes into the gallery."""
        self.ready()
        self.driver.execute_script("""
            const fetch = window.fetch.bind(window);
            window.fetch = async (path, options) => {
              const response = await fetch(path, options);
              if (!String(path).startsWith('v1/faces')) return response;
              const answer = await response.json();
              const [face] = answer.photos[0].faces;
              const {width, height} = await createImageBitmap(options.body.get('photo'));
              face.box = [width / 4, height / 4, width / 2, height / 2];
              // A second, smaller one, where the whole picture is looked at.
              if (!window.whole) [window.whole] = [width];
              answer.photos[0].faces = width < window.whole ? [face]
                  : [{box: [0, 0, width / 8, height / 8], quality: 1}, face];
              return new Response(JSON.stringify(answer));
            };""")
        self.press("Start camera")
        self.shown(".in-view .answer")
        self.until_text("#identify section", "Several faces are in view: the largest one counts.")
        self.picture("identify_camera_several")
        self.press("Say who this was")
        self.until(lambda: self.all(".choices .button"), "people to choose from")
        cut = self.until(lambda: self.one(".result .photo img").get_property("naturalWidth"),
                         "the photo")
        self.assertLess(cut, self.driver.execute_script("return window.whole"))

    def templates(self, name):
        return next(p["templates"] for p in self.api.people() if p["name"] == name)

    def confirm_opened(self, question="Who was it?"):
        """The names that are offered, once they are there."""
        self.until(lambda: self.focused().accessible_name == question, "the focus")
        self.until(lambda: self.all(".choices .button"), "people to choose from")
        return [choice.text for choice in self.all(".choices .button")]

    def test_this_was_somebody_and_undo(self):
        file = self.stranger()
        self.ready()
        self.give([file], "#identify")
        self.shown(".answer.unknown")
        nearest = [who.text for who in self.all(".candidate .who")]
        self.press("This was …")
        names = self.confirm_opened()
        self.assertEqual(names[:3], nearest)
        # Nothing is added without a person's word; Escape takes back that it was asked.
        self.type(Keys.ENTER)
        self.type(Keys.ESCAPE)
        self.assertEqual(self.focused().text, "This was …")
        self.type(Keys.ENTER)
        self.confirm_opened()
        self.type("grace")
        self.until(lambda: [c.text for c in self.all(".choices .button")] == ["Grace Hopper"],
                   "Grace alone")
        self.assertEqual([self.templates(n) for n in ("Ada Lovelace", "Grace Hopper")], [2, 1])
        self.picture("confirm_choices")
        self.type(Keys.TAB)
        self.assertEqual(self.focused().accessible_name, "This was Grace Hopper")
        self.type(Keys.ENTER)
        self.until_text("#toasts", "The photo is now a picture of Grace Hopper.")
        self.assertEqual(self.templates("Grace Hopper"), 2)
        self.assertEqual(self.focused().text, "Now a picture of Grace Hopper.")
        self.picture("confirm_done")
        self.assertTrue(self.api.identify(file.read_bytes())[0]["known"])
        # Undone, there is just what was before.
        self.press("Undo", "#toasts")
        self.until_text("#toasts", "The photo is no picture of Grace Hopper any more.")
        self.assertEqual(self.focused().text, "This was …")
        self.assertEqual(self.templates("Grace Hopper"), 1)
        self.assertFalse(self.api.identify(file.read_bytes())[0]["known"])
        self.assertTrue(self.api.identify(self.face(1, 0).read_bytes())[0]["known"])

    def test_a_photo_that_is_enrolled_already_has_no_undo(self):
        self.ready()
        self.give([self.face(0, 0)], "#identify")
        self.shown(".answer.known")
        self.press("This was somebody else …")
        self.assertNotIn("Ada Lovelace", self.confirm_opened())
        self.picture("confirm_known")
        self.expected = [400]
        self.press("This was Grace Hopper")
        self.until_text(".confirm [role=alert]", "enrolled already, as \"Ada Lovelace\"")
        self.press("Cancel")
        self.assertFalse(self.all("#toasts .toast"))
        self.assertEqual([self.templates(n) for n in ("Ada Lovelace", "Grace Hopper")], [2, 1])

    def test_a_frame_of_the_camera(self):
        self.api.clear()
        self.api.enrol("Grace Hopper", self.face(1, 0).read_bytes())
        self.ready()
        self.press("Start camera")
        self.shown(".in-view .answer")
        self.press("Say who this was")
        self.confirm_opened()
        self.assertEqual(self.text(".result .file"), "camera.jpg")
        self.picture("confirm_camera")
        self.media(dark=True)
        self.window(360, 740, phone=True)
        self.assertLessEqual(self.driver.execute_script(
            "return document.documentElement.scrollWidth"), 360)
        self.picture("confirm_camera_phone_dark")
        self.window(1280, 900)
        self.press("This was Grace Hopper")
        self.until_text("#toasts", "The photo is now a picture of Grace Hopper.")
        self.assertEqual(self.templates("Grace Hopper"), 2)
        self.until(lambda: self.text(".in-view .answer h3") == "Grace Hopper", "her in view")
        # Undone, the same visit is decided once more by what the gallery knows then.
        before = self.text(".in-view .measure")
        self.press("Undo", "#toasts")
        self.until_text("#toasts", "The photo is no picture of Grace Hopper any more.")
        self.assertEqual(self.templates("Grace Hopper"), 1)
        self.until(lambda: self.text(".in-view .measure") not in ("", before), "another answer")

    def test_one_of_several_faces_is_cut_out(self):
        """The model of these tests takes a photo as one face: another's answers stand in."""
        photo = World.folder / "two.png"
        self.two_faces(photo)
        self.ready()
        self.driver.execute_script("""
            const fetch = window.fetch.bind(window);
            const answer = (value) => Promise.resolve(new Response(JSON.stringify(value)));
            const unknown = {known: false, name: '', candidates: [
                {name: 'Grace Hopper', distance: 2, score: 2},
                {name: 'Alan Turing', distance: 3, score: 3}]};
            window.looked = [];
            window.others = 2;
            window.fetch = (path, options) => {
              if (String(path).startsWith('v1/identify')) {
                return answer({rule: null, photos: [{file: 'two.png', faces: [
                    {...unknown, box: [0, 0, 276, 336]}, {...unknown, box: [276, 0, 276, 336]}]}]});
              }
              if (String(path).startsWith('v1/faces')) {
                const photo = options.body.get('photo');
                return createImageBitmap(photo).then(({width, height}) => {
                  window.looked.push([width, height]);
                  const faces = [{box: [width - 276, 0, 276, 336], quality: 1}];
                  for (let i = 0; i < window.others; ++i) {
                    faces.push({box: [0, 0, 90, 90], quality: 1});
                  }
                  if (window.others) --window.others;
                  return answer({photos: [{file: 'two.png', faces}]});
                });
              }
              return fetch(path, options);
            };""")
        self.give([photo], "#identify")
        self.until(lambda: len(self.all(".result .answer")) == 2, "two answers")
        self.press("Face 2: This was …")
        self.confirm_opened("Who was face 2?")
        self.picture("confirm_several")
        self.press("This was Grace Hopper")
        self.until_text(".confirm [role=alert]", "cannot be cut out by itself")
        self.assertEqual(self.templates("Grace Hopper"), 1)
        self.press("This was Grace Hopper")
        self.until_text("#toasts", "The photo is now a picture of Grace Hopper.")
        # 0.6 and 0.3 of the face's height to its left; the photo ends at the other sides.
        self.assertEqual(self.driver.execute_script("return window.looked"),
                         [[478, 336], [377, 336], [478, 336]])
        self.assertEqual(self.templates("Grace Hopper"), 2)

    def two_faces(self, file):
        """Two people beside each other."""
        both = [images.read_pgm(World.folder / "drawn" / f"s{n}" / "1.pgm") for n in (6, 7)]
        (width, height, left), (_, _, right) = both
        rows = [left[y * width:(y + 1) * width] + right[y * width:(y + 1) * width]
                for y in range(height)]
        file.write_bytes(images.write_png(images.enlarge((2 * width, height, b"".join(rows)), 3)))

    def test_a_photo_that_is_pasted_or_dropped(self):
        self.ready()
        data = base64.b64encode(self.face(0, 0).read_bytes()).decode()
        give = """
            const [data, kind] = arguments;
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], `${kind}.png`, {type: 'image/png'}));
            const event = kind === 'paste'
                ? new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true})
                : new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true});
            (kind === 'paste' ? document.body : document.querySelector('#identify .drop'))
                .dispatchEvent(event);"""
        for kind in ("paste", "drop"):
            self.driver.execute_script(give, data, kind)
            self.until_text(".result .file", f"{kind}.png")
            self.until_text(".result .answer h3", "Ada Lovelace")

    def answer_busy(self, times):
        """The next answers of the list of people are 503, as of a service with too much to do."""
        self.driver.execute_script("""
            let left = arguments[0];
            const fetch = window.fetch.bind(window);
            window.asked = 0;
            window.fetch = (path, ...rest) => {
              if (!String(path).startsWith('v1/people')) return fetch(path, ...rest);
              ++window.asked;
              if (left-- <= 0) return fetch(path, ...rest);
              return Promise.resolve(new Response(
                  JSON.stringify({code: 503, message: 'too many requests wait'}),
                  {status: 503, headers: {'retry-after': '0.1'}}));
            };""", times)

    def test_a_busy_service_is_asked_once_more(self):
        self.ready("#model")
        self.answer_busy(1)
        self.go("#people")
        self.row("Ada Lovelace")
        self.assertEqual(self.driver.execute_script("return window.asked"), 2)
        self.go("#model")
        self.answer_busy(2)
        self.go("#people")
        self.until_text("#people [role=alert]", "The service is busy.")
        self.press("Try again")
        self.until(lambda: not self.all("#people [role=alert]"), "the error's end")

    def test_a_service_that_is_away(self):
        self.ready()
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/v1/identify*"]})
        try:
            self.give([self.face(0)], "#identify")
            self.until_text(".result [role=alert]", "The service cannot be reached.")
        finally:
            self.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        # The browser itself reports the request that we blocked.
        self.driver.get_log("browser")
