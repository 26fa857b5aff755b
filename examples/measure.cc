// What is a recipe worth on people whom it was not trained on, and what would a gallery answer?
//
//   $ build/measure faces
//   EER 2.9 % +- 0.6 %, of nearest pixels 25.3 %
//   20 strangers: EER 3.1 % (95 % interval 0.2 to 7.4 %)
//   With 10 of them enrolled, 0.0 % of searches by others name somebody
//   It is not measured on people whom it was trained on
#include <doppel/doppel.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: measure FOLDER\n");
    return 2;
  }
  const auto people = doppel::Dataset::load(argv[1]);
  const auto recipe = doppel::Recipe::named("faces", {"training.steps=100", "training.members=1"});
  const auto folds = doppel::cross_validate(people, recipe, {.folds = 2});
  std::printf("EER %.1f %% +- %.1f %%, of nearest pixels %.1f %%\n", 100 * folds.model.mean.eer,
              100 * folds.model.spread.eer, 100 * folds.nearest_pixels.mean.eer);

  // One model, and people who were kept from it.
  const auto names = people.people();
  const std::span<const std::string> all = names;
  const auto model = doppel::train(people.select(all.first(20)), recipe);
  const auto strangers = people.select(all.subspan(20));
  const auto measured = doppel::evaluate(model, strangers);
  std::printf("%zu strangers: EER %.1f %% (95 %% interval %.1f to %.1f %%)\n", measured.people,
              100 * measured.eer.value, 100 * measured.eer.lower, 100 * measured.eer.upper);
  const auto gallery = doppel::open_set(model, strangers, {.draws = 10});
  std::printf("With %zu of them enrolled, %.1f %% of searches by others name somebody\n",
              gallery.people, 100 * gallery.fpir);
  try {
    doppel::evaluate(model, people);
  } catch (const doppel::Error& error) {
    if (error.kind() != doppel::ErrorKind::seen_people) throw;
    std::printf("It is not measured on people whom it was trained on\n");
  }
}
