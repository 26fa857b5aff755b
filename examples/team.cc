// From a folder of people to a gallery that names them. A model of so few drawn faces misses some
// of them; a stranger (s40 is not enrolled) is unknown:
//
//   $ build/team faces
//   s1 is s1
//   s2 is s2
//   s3 is unknown
//   s40 is unknown
#include <doppel/doppel.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: team FOLDER\n";
    return 2;
  }
  const std::filesystem::path faces = argv[1];
  const auto people = doppel::Dataset::load(faces);
  const auto recipe = doppel::Recipe::named("faces", {"training.steps=100", "training.members=1"});
  const auto model = doppel::train(people, recipe, {.seed = 7});
  model.save("team.safetensors");  // calibrated on people held back; knows whom it saw
  auto gallery = doppel::Gallery::create("team.gallery", model);
  for (const std::string& name : people.people()) {
    if (name != "s40") gallery.enroll(name, doppel::Photo::load(faces / name / "1.pgm"));
  }
  for (const char* name : {"s1", "s2", "s3", "s40"}) {
    for (const auto& face : gallery.identify(doppel::Photo::load(faces / name / "2.pgm"))) {
      std::cout << name << " is " << face.name.value_or("unknown") << '\n';
    }
  }
}
