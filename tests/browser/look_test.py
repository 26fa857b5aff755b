"""What the page looks like: on a desk and a phone, light and dark, and that it can be read."""

import re

from page import LONG, PageTest
from service import quoted

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
