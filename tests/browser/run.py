"""The page of `doppel serve` in a real browser: what people do with it, seen as they see it.

/usr/bin/python3 tests/browser/run.py --program build/release/doppel [--model MODEL] \
    --output build/screenshots [unittest's arguments, e.g. -v, -k camera, Identify]

Makes a film for a fake camera, starts the program on galleries of its own, drives Chromium. Which
faces are alike is the model's affair: the page must say what the service says. Without --model a
small one is trained first. With --url it asks a service that runs already; its gallery is EMPTIED.
--keyed-url and --keys are the same for one that asks for keys. Exits with 77 where there is no
browser to drive.
"""

import argparse
import importlib
import importlib.util
import pathlib
import shutil
import sys
import types
import unittest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SKIPPED = 77  # as CTest is told


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, default="build/release/doppel")
    parser.add_argument("--model", help="the model file; left out, one is trained")
    parser.add_argument("--output", type=pathlib.Path, default="build/screenshots")
    parser.add_argument("--url", help="a service that runs already; its gallery is emptied")
    parser.add_argument("--keyed-url", help="one that asks for keys, beside --url")
    parser.add_argument("--keys", help="its keys: ADMIN,RECOGNISE")
    options, rest = parser.parse_known_args()
    if options.keyed_url and not options.keys:
        parser.error("--keyed-url needs --keys")
    options.program = options.program.resolve()
    return options, rest


def find_browser(options):
    """Sets where it is; what is missing of it, or nothing."""
    options.chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    options.chromedriver = shutil.which("chromedriver")
    found = {"Selenium for Python": importlib.util.find_spec("selenium"),
             "Chromium": options.chromium, "chromedriver": options.chromedriver}
    return [name for name, where in found.items() if not where]


def all_cases():
    """The test cases of every module beside this one, in a module of their own."""
    cases = types.ModuleType("cases")
    for file in sorted(pathlib.Path(__file__).parent.glob("*_test.py")):
        for name, value in vars(importlib.import_module(file.stem)).items():
            if getattr(value, "__module__", None) != file.stem or not isinstance(value, type):
                continue
            if hasattr(cases, name):
                raise RuntimeError(f"two test cases are called {name}")
            setattr(cases, name, value)
    return cases


def main():
    options, rest = read_options()
    missing = find_browser(options)
    if missing:
        print(f"The page is not tested: this machine lacks {', '.join(missing)}.",
              file=sys.stderr)
        sys.exit(SKIPPED)

    sys.dont_write_bytecode = True  # the folder of the sources stays as it is
    # Only now, as it needs Selenium.
    world = importlib.import_module("world")

    class Runner(unittest.TextTestRunner):
        def run(self, test):
            with world.opened(options):
                return super().run(test)

    unittest.main(module=all_cases(), argv=[sys.argv[0], *rest], testRunner=Runner)


if __name__ == "__main__":
    main()
