"""The page of `doppel serve` in a real browser: what people do with it, seen as they see it.

/usr/bin/python3 tests/browser_test.py --program build/release/doppel --model MODEL \
    --output build/screenshots [unittest's arguments]

Makes a film for a fake camera, starts the program on galleries of its own, drives Chromium. Which
faces are alike is the model's affair: the page must say what the service says. With --url it asks a
service that runs already; its gallery is EMPTIED. --keyed-url and --keys are the same for one that
asks for keys.
"""

import argparse
import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service as Chromedriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

import browser_images as images

VIEWS = ("identify", "people", "compare", "model")
PATIENCE = 20  # seconds; a busy machine is slow, and nothing waits longer than it must
HOSTILE = "<img src=x onerror=alert(1)>"
LONG = "Wolfeschlegelsteinhausenbergerdorff " * 3


class Api:
    """The service without the page: to set up what a test is about, and to see what came of it."""

    def __init__(self, url, key=None):
        self.url, self.key = url.rstrip("/"), key

    def ask(self, method, path, body=None, kind=None):
        request = urllib.request.Request(f"{self.url}/{path}", method=method, data=body)
        if kind:
            request.add_header("content-type", kind)
        if self.key:
            request.add_header("x-api-key", self.key)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def json(self, method, path, value=None):
        body = None if value is None else json.dumps(value).encode()
        return json.loads(self.ask(method, path, body, "application/json" if body else None))

    def photo(self, path, data, field="file", name="photo.png"):
        edge = b"doppel-edge"
        body = (b"--" + edge + b'\r\nContent-Disposition: form-data; name="' + field.encode() +
                b'"; filename="' + name.encode() + b'"\r\n\r\n' + data + b"\r\n--" + edge +
                b"--\r\n")
        return json.loads(self.ask("POST", path, body,
                                   "multipart/form-data; boundary=" + edge.decode()))

    def people(self, search=""):
        return self.json("GET", "v1/people?size=500&search=" + urllib.parse.quote(search))["people"]

    def names(self):
        return [person["name"] for person in self.people()]

    def clear(self):
        for name in self.names():
            self.json("DELETE", f"api/v1/recognition/subjects/{quoted(name)}")

    def enrol(self, name, data):
        return self.photo(f"api/v1/recognition/faces?subject={quoted(name)}", data)

    def identify(self, data):
        return self.photo("v1/identify?top=3&faces=all", data, "photo")["photos"][0]["faces"]


def quoted(name):
    return urllib.parse.quote(name, safe="")


class Program:
    """`doppel serve` on a gallery of its own."""

    def __init__(self, program, model, folder, name, face, roles=()):
        gallery = str(folder / f"{name}.gallery")
        photo = folder / f"{name}.png"
        photo.write_bytes(face)
        # A new gallery is made by enrolling; the tests begin by emptying it.
        def run(*words):
            return subprocess.run([program, *words], check=True, capture_output=True,
                                  text=True).stdout

        run("enroll", gallery, "--model", model, "--name", "somebody", str(photo))
        self.keys = {role: run("key", "add", gallery, "--role", role).strip().split()[-1]
                     for role in roles}
        self.log = open(folder / f"{name}.log", "w", encoding="utf-8")
        self.process = subprocess.Popen([program, "serve", gallery, "--port", "0"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)
        self.url = None
        said = ""
        for line in self.process.stderr:
            said += line
            self.log.write(line)
            found = re.search(r"http://[0-9.:]+", line)
            if found:
                self.url = found.group()
                break
        if not self.url:
            raise RuntimeError(f"{program} serve did not start: {said}")
        # What it says later must not fill the pipe.
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.log.write(line)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.reader.join(timeout=10)
        self.process.stderr.close()
        self.log.close()


class World:
    """What all tests share."""
    options = None
    folder = None
    faces = None   # PNG files: faces[person][picture]
    api = None
    keyed = None   # (url, {role: key}) or nothing
    driver = None


def start_browser(folder, film):
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--window-size=1280,900",
                     "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                     f"--use-file-for-fake-video-capture={film}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Chromedriver("/usr/bin/chromedriver"), options=options)
    driver.execute_cdp_cmd("Page.setDownloadBehavior",
                           {"behavior": "allow", "downloadPath": str(folder / "downloads")})
    return driver


def setUpModule():
    options = World.options
    World.folder = pathlib.Path(tempfile.mkdtemp(prefix="doppel-browser-"))
    folder = World.folder
    # Undone in the opposite order, whatever of this fails.
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    (folder / "downloads").mkdir()
    program = str(options.program)
    drawn = images.synthetic_people(program, folder / "drawn", people=12, images=3, seed=7)
    World.faces = []
    for person, pictures in enumerate(drawn):
        files = []
        for picture, image in enumerate(pictures):
            file = folder / f"person{person}_{picture}.png"
            file.write_bytes(images.write_png(images.enlarge(image, 3)))
            files.append(file)
        World.faces.append(files)
    images.write_film(folder / "camera.y4m", drawn[0][1])
    (folder / "notes.txt").write_text("This is no picture.\n", encoding="utf-8")
    face = World.faces[0][0].read_bytes()
    if options.url:
        World.api = Api(options.url)
        if options.keyed_url:
            admin, recognise = options.keys.split(",")
            World.keyed = (options.keyed_url, {"admin": admin, "recognise": recognise})
    else:
        plain = Program(program, options.model, folder, "plain", face)
        unittest.addModuleCleanup(plain.stop)
        World.api = Api(plain.url)
        keyed = Program(program, options.model, folder, "keyed", face, ("admin", "recognise"))
        unittest.addModuleCleanup(keyed.stop)
        World.keyed = (keyed.url, keyed.keys)
    World.driver = start_browser(folder, folder / "camera.y4m")
    unittest.addModuleCleanup(World.driver.quit)
    options.output.mkdir(parents=True, exist_ok=True)


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

    def test_the_camera(self):
        self.ready()
        self.press("Start camera")
        self.until(lambda: self.text(".in-view .answer h3") == "Ada Lovelace", "Ada in view")
        self.assertEqual(self.text("#identify .card [role=status]"), "Ada Lovelace")
        self.assertRegex(self.text(".in-view .measure"), r"^\d\.\d+ < \d\.\d+$")
        # The live region is left alone while the same people are in view.
        self.driver.execute_script("""
            window.changes = 0;
            window.frames_ = 0;
            new MutationObserver((all) => { window.changes += all.length; }).observe(
                document.querySelector('#identify .card [role=status]'),
                {childList: true, characterData: true, subtree: true});
            new MutationObserver(() => { ++window.frames_; }).observe(
                document.querySelector('.in-view'), {childList: true});""")
        self.until(lambda: self.driver.execute_script("return window.frames_") >= 3, "more frames")
        self.assertEqual(self.driver.execute_script("return window.changes"), 0)
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


class Model(PageTest):
    def setUp(self):
        super().setUp()
        self.api.enrol("Ada", self.face(0).read_bytes())
        self.info = self.api.json("GET", "v1/model")
        if not self.info["threshold"]:
            self.skipTest("this model has no threshold")

    def figures(self):
        return [self.text(f"#figure-{name}") for name in ("far", "fnr", "fpir")]

    def test_the_slider_moves_the_figures_and_saves(self):
        self.ready("#model")
        slider = self.shown("#model input[type=range]")
        self.assertEqual(slider.accessible_name, "Try a threshold")
        before, start = self.figures(), float(slider.get_attribute("value"))
        self.assertAlmostEqual(start, self.info["rule"]["threshold"], places=3)
        self.picture("model")
        slider.send_keys(*[Keys.PAGE_UP] * 4)
        self.until(lambda: self.figures()[0] != before[0], "another FAR")
        self.assertIn("FAR", slider.get_attribute("aria-valuetext"))
        far, _, fpir = self.figures()
        self.assertEqual(far, fpir)  # one template
        wanted = float(slider.get_attribute("value"))
        self.assertGreater(wanted, start)
        self.press("Save this threshold")
        self.until_text(".threshold-card .status-line", "Saved")
        info = self.api.json("GET", "v1/model")
        self.assertAlmostEqual(info["decision"]["distance"], wanted, places=6)
        self.until_text(".now", "saved by hand")
        self.picture("model_saved")
        field = self.one("#model input[type=number]")
        field.clear()
        field.send_keys("2")
        self.press("Back to FPIR rule")
        self.until_text(".now", "wanted FPIR of 2")
        info = self.api.json("GET", "v1/model")
        self.assertIsNone(info["decision"]["distance"])
        self.assertAlmostEqual(info["decision"]["fpir"], 0.02)

    def test_the_mathematics_are_the_service_s(self):
        self.api.enrol("Grace", self.face(1).read_bytes())
        info = self.api.json("GET", "v1/model")
        if not info["threshold"].get("curve"):
            self.skipTest("this model has no curve")
        nearest = self.api.identify(self.face(2).read_bytes())[0]["candidates"]
        self.ready("#model")
        distances = [info["rule"]["threshold"], *(near["distance"] for near in nearest)]
        fars, fpirs, levels = self.driver.execute_async_script("""
            const [curve, distances, templates, quantiles, done] = arguments;
            import('./curves.js').then(({farAt, fpirOf, fnrAt, histogram, tarAt}) => {
              const fars = distances.map((d) => farAt(curve, d));
              const bins = histogram((d) => tarAt([0, 1, 2, 4], d), 0, 4, 4);
              done([fars, fars.map((far) => fpirOf(far, templates)),
                    [tarAt([0, 1, 2, 4], 3), fnrAt([0, 1, 2, 4], 1), tarAt([], 1),
                     ...bins.map((bin) => bin.share)]]);
            });""", info["threshold"]["curve"], distances, info["templates"],
            info["threshold"]["genuine_distances"])
        for value, wanted in zip(fars, [info["rule"]["far"], *(n["far"] for n in nearest)]):
            self.assertAlmostEqual(value, wanted, delta=1e-6 + 1e-4 * wanted)
        for value, wanted in zip(fpirs, [info["rule"]["fpir"], *(n["fpir"] for n in nearest)]):
            self.assertAlmostEqual(value, wanted, delta=1e-6 + 1e-4 * wanted)
        third = 1 / 3
        for value, wanted in zip(levels, [5 / 6, 2 / 3, None, third, third, third / 2, third / 2]):
            if wanted is None:
                self.assertIsNone(value)
            else:
                self.assertAlmostEqual(value, wanted)

    def test_a_rate_that_is_none(self):
        self.ready("#model")
        field = self.shown("#model input[type=number]")
        field.clear()
        field.send_keys("200")
        self.press("Back to FPIR rule")
        self.until_text(".threshold-card [role=alert]", "above 0 and below 100")

    def test_the_charts_and_the_recipe(self):
        self.ready("#model")
        self.shown("#model input[type=range]")
        charts = self.driver.execute_script("return Object.values(Chart.instances).length")
        self.assertEqual(charts, len(self.all("#model canvas")))
        if not self.info["training"]:
            return
        recipe = self.one("#model details")
        self.assertFalse(recipe.find_element(By.CSS_SELECTOR, "pre").is_displayed())
        recipe.find_element(By.CSS_SELECTOR, "summary").click()
        self.until(lambda: recipe.find_element(By.CSS_SELECTOR, "pre").is_displayed(), "it")
        json.loads(self.text("#model details pre"))


class Keyboard(PageTest):
    def tab_to(self, name, most=40):
        for _ in range(most):
            self.type(Keys.TAB)
            if self.focused().accessible_name == name:
                return self.focused()
        self.fail(f"{most} steps of Tab did not lead to {name!r}")
        return None

    def test_without_a_mouse(self):
        self.api.enrol("Ada", self.face(0, 1).read_bytes())
        self.media(calm=True)
        self.ready()
        self.driver.execute_script("document.body.focus()")
        self.type(Keys.TAB)
        self.assertEqual(self.focused().text, "Skip to the content")
        self.assertGreaterEqual(self.focused().rect["y"], 0)
        self.type(Keys.ENTER)
        self.assertEqual(self.focused().get_attribute("id"), "main")
        self.tab_to("Start camera").send_keys(Keys.ENTER)
        self.until(lambda: self.text(".in-view .answer h3") == "Ada", "Ada in view")
        self.assertEqual(self.focused().text, "Stop camera")
        self.type(Keys.SPACE)
        self.until(lambda: self.focused().text == "Start camera", "the focus beside it")
        self.assertTrue(self.tab_to("Choose photos").get_attribute("type") == "file")

        # The views.
        for view in VIEWS[1:]:
            self.ready()
            self.driver.execute_script("document.body.focus()")
            self.tab_to(view.capitalize()).send_keys(Keys.ENTER)
            self.until(lambda: self.focused().get_attribute("id") == f"{view}-title", view)
            current = self.all("#nav [aria-current]")
            self.assertEqual([link.text for link in current], [view.capitalize()])
            self.assertEqual(self.driver.title, f"{view.capitalize()} – Doppel")

        # We are at the model: its slider.
        slider = self.tab_to("Try a threshold")
        before = float(slider.get_attribute("value"))
        slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        after = float(slider.get_attribute("value"))
        self.assertGreater(after, before)
        slider.send_keys(Keys.ARROW_LEFT)
        self.assertLess(float(slider.get_attribute("value")), after)
        self.tab_to("Save this threshold").send_keys(Keys.ENTER)
        self.until_text(".threshold-card .status-line", "Saved")
        self.assertEqual(self.focused().text, "Save this threshold")

    def test_the_focus_can_be_seen(self):
        self.ready()
        self.driver.execute_script("document.body.focus()")
        for _ in range(9):
            self.type(Keys.TAB)
            seen = self.driver.execute_script("""
                const e = document.activeElement;
                if (e === document.body) return true;
                const marks = [e, ...document.querySelectorAll(`label[for="${e.id || '-'}"]`)];
                return marks.some((m) => getComputedStyle(m).outlineStyle === 'solid' &&
                                         parseFloat(getComputedStyle(m).outlineWidth) >= 2);""")
            self.assertTrue(seen, self.focused().get_attribute("outerHTML"))


# Texts whose contrast with what is behind them is below WCAG AA; pictures and disabled controls
# are left out.
CONTRAST = """
const parse = (text) => {
  const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
  return {r, g, b, a};
};
const channel = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
const luminance = ({r, g, b}) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.data.trim() || !element.checkVisibility()) continue;
  if (element.closest(':disabled, .unseen, .screen, script, noscript, option')) continue;
  const style = getComputedStyle(element);
  let behind = element;
  while (behind && parse(getComputedStyle(behind).backgroundColor).a < 1) {
    behind = behind.parentElement;
  }
  const ground = parse(getComputedStyle(behind ?? document.body).backgroundColor);
  const [a, b] = [luminance(parse(style.color)), luminance(ground)];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
  const least = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
  if (contrast < least) {
    found.push(`${node.data.trim().slice(0, 40)}: ${contrast.toFixed(2)} (${element.className})`);
  }
}
return found;
"""


class Looks(PageTest):
    """Every view, filled, as a desk and a phone show it, light and dark."""

    def setUp(self):
        super().setUp()
        for person, name in enumerate(("Ada Lovelace", "Grace Hopper", LONG.strip())):
            self.api.enrol(name, self.face(person).read_bytes())

    def views(self):
        """Each view with something in it."""
        self.ready()
        self.give([self.face(0), self.face(5)], "#identify")
        self.until(lambda: len(self.all(".result .answer")) == 2, "answers")
        yield "identify"
        self.go("#people")
        self.row("Ada Lovelace")
        yield "people"
        self.go("#people?enrol")
        self.shown(".enrol")
        self.give([self.face(3)], ".enrol")
        yield "enrol"
        self.go("#people/" + quoted(LONG.strip()))
        self.shown(".template")
        yield "person"
        self.go("#compare")
        slots = self.all("#compare .slot input[type=file]")
        slots[0].send_keys(str(self.face(0)))
        slots[1].send_keys(str(self.face(0, 1)))
        self.shown(".comparison .scale")
        yield "compare"
        self.go("#model")
        self.shown("#model .card")
        yield "model"

    def test_desk(self):
        for view in self.views():
            self.picture(f"desk_{view}")
            self.assertEqual(self.driver.execute_script(CONTRAST), [], view)

    def test_dark(self):
        self.media(dark=True)
        for view in self.views():
            self.picture(f"dark_{view}")
            self.assertEqual(self.driver.execute_script(CONTRAST), [], view)
            ground = self.driver.execute_script(
                "return getComputedStyle(document.body).backgroundColor")
            self.assertLess(sum(map(int, re.findall(r"\d+", ground)[:3])), 150)

    def test_charts_follow_the_colours(self):
        self.ready("#model")
        self.shown("#model .card")
        colour = "return Object.values(Chart.instances)[0]?.options.color"
        light = self.driver.execute_script(colour)
        if not light:
            self.skipTest("this model has no charts")
        self.media(dark=True)
        self.until(lambda: self.driver.execute_script(colour) != light, "other colours")

    def test_phone(self):
        self.window(360, 740, phone=True)
        for view in self.views():
            widths = self.driver.execute_script(
                "return [document.documentElement.scrollWidth, innerWidth]")
            self.assertLessEqual(widths[0], 360, view)
            self.assertEqual(widths[1], 360, view)
            small = self.driver.execute_script("""
                return [...document.querySelectorAll('button, .button, #nav a, select, summary, ' +
                                                     'input:not(.unseen)')]
                    .filter((e) => e.checkVisibility())
                    .map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
                    .filter(([, r]) => r.width > 0 && (r.height < 43.5 || r.width < 43.5))
                    .map(([what, r]) => `${what} ${r.width} x ${r.height}`);""")
            self.assertEqual(small, [], view)
            self.picture(f"phone_{view}")

    def test_narrow_camera(self):
        self.window(360, 740, phone=True)
        self.ready()
        self.press("Start camera")
        self.shown(".in-view .answer")
        self.assertLessEqual(self.driver.execute_script(
            "return document.documentElement.scrollWidth"), 360)
        self.picture("phone_camera")


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, default="build/release/doppel")
    parser.add_argument("--model", help="the model file; not with --url")
    parser.add_argument("--output", type=pathlib.Path, default="build/screenshots")
    parser.add_argument("--url", help="a service that runs already; its gallery is emptied")
    parser.add_argument("--keyed-url", help="one that asks for keys, beside --url")
    parser.add_argument("--keys", help="its keys: ADMIN,RECOGNISE")
    World.options, rest = parser.parse_known_args()
    if not World.options.url and not World.options.model:
        parser.error("--model or --url is needed")
    if World.options.keyed_url and not World.options.keys:
        parser.error("--keyed-url needs --keys")
    World.options.program = World.options.program.resolve()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
