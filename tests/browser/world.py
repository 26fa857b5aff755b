"""What all tests share: faces, the camera's film, the galleries that are served, the browser."""

import contextlib
import pathlib
import shutil
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Chromedriver

import images
from service import Api, Program, run


class World:
    """Set by opened()."""
    options = None
    folder = None
    faces = None   # PNG files: faces[person][picture]
    api = None
    keyed = None   # (url, {role: key}) or nothing
    driver = None


@contextlib.contextmanager
def opened(options):
    """While it lasts there is everything that World names."""
    World.options = options
    # Undone in the opposite order, whatever of this fails.
    with contextlib.ExitStack() as undo:
        World.folder = folder = pathlib.Path(tempfile.mkdtemp(prefix="doppel-browser-"))
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        (folder / "downloads").mkdir()
        (folder / "notes.txt").write_text("This is no picture.\n", encoding="utf-8")
        draw_faces(str(options.program))
        if options.url:
            World.api = Api(options.url)
            if options.keyed_url:
                admin, recognise = options.keys.split(",")
                World.keyed = (options.keyed_url, {"admin": admin, "recognise": recognise})
        else:
            serve(str(options.program), options.model, undo)
        World.driver = start_browser()
        undo.callback(World.driver.quit)
        options.output.mkdir(parents=True, exist_ok=True)
        yield


def draw_faces(program):
    drawn = images.synthetic_people(program, World.folder / "drawn", people=12, images=3, seed=7)
    World.faces = []
    for person, pictures in enumerate(drawn):
        files = []
        for picture, image in enumerate(pictures):
            file = World.folder / f"person{person}_{picture}.png"
            file.write_bytes(images.write_png(images.enlarge(image, 3)))
            files.append(file)
        World.faces.append(files)
    images.write_film(World.folder / "camera.y4m", drawn[0][1])


def serve(program, model, undo):
    """A gallery without keys and one with."""
    model = model or train_model(program)
    face = World.faces[0][0].read_bytes()
    plain = Program(program, model, World.folder, "plain", face)
    undo.callback(plain.stop)
    World.api = Api(plain.url)
    keyed = Program(program, model, World.folder, "keyed", face, ("admin", "recognise"))
    undo.callback(keyed.stop)
    World.keyed = (keyed.url, keyed.keys)


def train_model(program):
    """A model of other synthetic people. It need not be good, only tell most people apart, and
    have what the page shows of a model: held-out people, hence a threshold with its curve."""
    faces, model = str(World.folder / "trained_on"), str(World.folder / "model.safetensors")
    run(program, "synth", faces, "--identities", "40", "--images", "10", "--seed", "1")
    run(program, "train", faces, "--out", model, "--set", "training.members=1",
        "--set", "training.steps=200")
    return model


def start_browser():
    options = webdriver.ChromeOptions()
    options.binary_location = World.options.chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--window-size=1280,900",
                     "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                     f"--use-file-for-fake-video-capture={World.folder / 'camera.y4m'}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Chromedriver(World.options.chromedriver), options=options)
    driver.execute_cdp_cmd("Page.setDownloadBehavior", {
        "behavior": "allow", "downloadPath": str(World.folder / "downloads")})
    return driver
