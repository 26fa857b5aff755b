// The report as people see it: a model's page in a real browser, and the heat of two photos.
#include <gmock/gmock.h>

#include <cstdlib>
#include <regex>

#include "doppel/base/file.h"
#include "doppel/image/decode.h"
#include "program.h"

namespace doppel::internal {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

namespace fs = std::filesystem;

// What of `text` lies between `left` and `right`; nothing where they are not there.
std::string between(const std::string& text, const std::string& left, const std::string& right) {
  const size_t found = text.find(left);
  if (found == std::string::npos) return "";
  const size_t begin = found + left.size();
  return text.substr(begin, text.find(right, begin) - begin);
}

class ReportPage : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    ASSERT_EQ(run({"synth", "faces", "--identities", "8", "--images", "5", "--seed", "3"}).code, 0);
    ASSERT_EQ(run({"synth", "others", "--identities", "9", "--images", "6", "--seed", "4"}).code,
              0);
    // As the folders are called alike, a model would take these for people it has seen.
    for (int i = 1; i <= 9; ++i) {
      const std::string number = std::to_string(i);
      fs::rename(folder_ / "others" / ("s" + number), folder_ / "others" / ("other <b>" + number));
    }
    const Finished trained = run(
        {"train", "faces", "--recipe", "tutorial", "--set", "pairs.per_kind=200", "--epochs", "3"});
    ASSERT_EQ(trained.code, 0) << trained.err;
  }

  std::string text_of(const std::string& name) const { return read_file(folder_ / name, 1 << 28); }

  static bool have_browser() { return std::system("command -v chromium > /dev/null") == 0; }

  static json document_of(const std::string& page) {
    return json::parse(between(page, R"(<script type="application/json" id="data">)", "</script>"));
  }

  // Every figure on the page names its place in the document.
  static void expect_figures_of(const json& document, const std::string& page) {
    const std::regex shown("data-json=\"([^\"]+)\">(-?[0-9][0-9.,]*)( %)?<");
    size_t figures = 0;
    for (std::sregex_iterator at(page.begin(), page.end(), shown), end; at != end;
         ++at, ++figures) {
      const double value = document.at(json::json_pointer((*at)[1].str())).get<double>();
      std::string digits = (*at)[2].str();
      std::erase(digits, ',');
      const bool percent = (*at)[3].matched;
      const double tolerance = percent ? 0.0501 : std::max(0.00501 * std::abs(value), 0.0000501);
      EXPECT_NEAR(std::stod(digits), percent ? 100 * value : value, tolerance) << (*at)[1];
    }
    EXPECT_GT(figures, 50u);
  }

  // Runs headless Chromium on the page; what it prints.
  std::string browse(const std::string& page, const std::string& options) const {
    const std::string command =
        "timeout 120 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars "
        "--virtual-time-budget=5000 --user-data-dir='" +
        (folder_ / ".browser").string() + "' " + options + " 'file://" + (folder_ / page).string() +
        "' > '" + (folder_ / ".dom").string() + "' 2> /dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return text_of(".dom");
  }
};

TEST_F(ReportPage, ABrowserShowsWhatWasMeasured) {
  const Finished made = run({"report", "model.safetensors", "others", "--out", "page.html"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("page.html"));
  if (!have_browser()) GTEST_SKIP() << "chromium is not installed";

  const std::string page = browse("page.html", "--dump-dom");
  EXPECT_EQ(between(page, "data-errors=\"", "\""), "0")
      << between(page, "data-last-error=\"", "\"");
  EXPECT_EQ(between(page, "data-drawn=\"", "\""), "7") << "charts";
  EXPECT_THAT(page, HasSubstr("other &lt;b&gt;1"));  // a name, not markup
  EXPECT_THAT(page, Not(HasSubstr("id=\"seen\"")));
  const json document = document_of(page);

  expect_figures_of(document, page);

  // And the document agrees with the command for scripts.
  const Finished measured = run({"eval", "model.safetensors", "others", "--json"});
  ASSERT_EQ(measured.code, 0) << measured.err;
  const json& evaluation = document["groups"][0]["evaluation"];
  EXPECT_EQ(measured.json()["eer"], evaluation["eer"]);
  EXPECT_EQ(measured.json()["auc"], evaluation["auc"]);

  // To be looked at.
  const std::string size = "--window-size=1160,5200 ",
                    picture = "--screenshot='" DOPPEL_BUILD_FOLDER;
  browse("page.html", size + picture + "/report_light.png'");
  browse("page.html",
         size + "--blink-settings=preferredColorScheme=0 " + picture + "/report_dark.png'");
  const Image light = load_image(DOPPEL_BUILD_FOLDER "/report_light.png");
  const Image dark = load_image(DOPPEL_BUILD_FOLDER "/report_dark.png");
  EXPECT_GT(light.at(5, 5), 0.9f);
  EXPECT_LT(dark.at(5, 5), 0.2f);
}

TEST_F(ReportPage, OfACrossValidationHasAllFoldsAndSeeds) {
  const Finished made =
      run({"crossval", "others", "--folds", "3", "--seeds", "2", "--recipe", "tutorial", "--set",
           "pairs.per_kind=200", "--epochs", "1", "--report", "pages/crossval.html", "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  const json document = document_of(text_of("pages/crossval.html"));
  ASSERT_EQ(document["groups"].size(), 6u);
  EXPECT_EQ(document["groups"][0]["name"], "fold 1, seed 0");
  EXPECT_EQ(document["groups"][5]["name"], "fold 3, seed 1");
  const json measured = made.json();
  for (const char* rate : {"eer", "auc", "one_shot", "tar_at_far_1pct"}) {
    EXPECT_DOUBLE_EQ(document["mean"][rate].get<double>(), measured["mean"][rate].get<double>());
    EXPECT_DOUBLE_EQ(document["spread"][rate].get<double>(),
                     measured["spread"][rate].get<double>());
  }
  ASSERT_EQ(document["baselines"].size(), 2u);
  if (!have_browser()) GTEST_SKIP() << "chromium is not installed";
  const std::string page = browse("pages/crossval.html", "--dump-dom");
  EXPECT_EQ(between(page, "data-errors=\"", "\""), "0")
      << between(page, "data-last-error=\"", "\"");
  expect_figures_of(document, page);
  browse("pages/crossval.html",
         "--window-size=1160,5200 --screenshot='" DOPPEL_BUILD_FOLDER "/report_crossval.png'");
}

TEST_F(ReportPage, PeopleOfTheTrainingAreRefusedOrMarked) {
  const Finished refused = run({"report", "model.safetensors", "faces", "--out", "page.html"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("--allow-seen"));
  EXPECT_FALSE(fs::exists(folder_ / "page.html"));
  const Finished made =
      run({"report", "model.safetensors", "faces", "--out", "page.html", "--allow-seen"});
  ASSERT_EQ(made.code, 0) << made.err;
  if (!have_browser()) GTEST_SKIP() << "chromium is not installed";
  const std::string page = browse("page.html", "--dump-dom");
  EXPECT_EQ(between(page, "data-errors=\"", "\""), "0");
  EXPECT_THAT(between(page, "id=\"seen\"", "</div>"), HasSubstr("8 people"));
  EXPECT_THAT(between(page, "id=\"seen\"", "</div>"), HasSubstr("8 by name"));
}

TEST_F(ReportPage, ExplainDrawsBothPhotos) {
  const Finished made = run({"explain", "model.safetensors", "faces/s1/1.pgm", "faces/s2/1.pgm",
                             "--patch", "20", "--stride", "20"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("heat.png: distance "));
  EXPECT_GT(load_image(folder_ / "heat.png").width, 2 * 92);
  const Finished wrong =
      run({"explain", "model.safetensors", "faces/s1/1.pgm", "faces/s2/1.pgm", "--patch", "500"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("500"));
}

}  // namespace
}  // namespace doppel::internal
