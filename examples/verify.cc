// Are two photos of one person? With a model of synthetic faces:
//
//   $ doppel synth faces --identities 40 --images 4 --seed 1
//   $ doppel train faces --set training.steps=100 --out faces.safetensors
//   $ build/verify faces.safetensors faces/s1/1.pgm faces/s1/2.pgm
//   distance 0.581: one person
//   Of pairs of different people, 1 % are taken for one person.
#include <doppel/doppel.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: verify MODEL PHOTO PHOTO\n");
    return 2;
  }
  try {
    const auto model = doppel::Model::load(argv[1]);
    const auto a = model.embed(doppel::Photo::load(argv[2]));
    const auto b = model.embed(doppel::Photo::load(argv[3]));
    std::printf("distance %.3f: %s\n", model.distance(a, b),
                model.same_person(a, b) ? "one person" : "two people");
    const auto calibration = *model.calibration();
    std::printf("Of pairs of different people, %.0f %% are taken for one person.\n",
                100 * calibration.far);
  } catch (const doppel::Error& error) {
    std::fprintf(stderr, "verify: %s\n", error.what());
    return 1;
  }
}
