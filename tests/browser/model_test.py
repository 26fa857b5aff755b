"""The threshold and its figures, the charts, the recipe."""

import json

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from page import PageTest


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

    def test_enough_people_draw_the_line(self):
        for person in range(1, 9):
            self.api.enrol(f"Person {person}", self.face(person).read_bytes())
        rule = self.api.json("GET", "v1/model")["rule"]
        self.assertEqual(rule["source"], "gallery")
        self.ready("#model")
        self.until_text(".now", "own 9 people")
        self.assertIn("So few people tell little", self.text(".now"))
        self.picture("model_own_line")

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
