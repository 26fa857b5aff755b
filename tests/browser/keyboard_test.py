"""The page without a mouse: what Tab leads to, and that one sees where one is."""

from selenium.webdriver.common.keys import Keys

from page import PageTest

VIEWS = ("identify", "people", "compare", "model")


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
