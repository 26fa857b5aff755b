// Embeddings of photos that a program has in memory, for whatever index it keeps them in:
//
//   $ build/embeddings faces.safetensors faces/s1/1.pgm faces/s1/2.pgm faces/s2/1.pgm
//   3 photos, 680 values each
//   0.000 0.581 1.550
//   0.581 0.000 1.542
//   1.550 1.542 0.000
#include <doppel/doppel.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: embeddings MODEL PHOTO..\n");
    return 2;
  }
  doppel::set_threads(2);
  const auto model = doppel::Model::load(argv[1]);
  std::vector<doppel::Photo> photos;
  for (int i = 2; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
    photos.push_back(doppel::Photo::decode(std::as_bytes(std::span(bytes)), argv[i]));
  }
  try {
    const auto embeddings = model.embed(photos);
    std::printf("%zu photos, %zu values each\n", embeddings.size(), model.embedding_size());
    for (const auto& a : embeddings) {
      for (size_t i = 0; i < embeddings.size(); ++i) {
        std::printf("%s%.3f", i > 0 ? " " : "", model.distance(a, embeddings[i]));
      }
      std::printf("\n");
    }
  } catch (const doppel::Error& error) {
    std::fprintf(stderr, "embeddings: %s\n", error.what());
    return 1;
  }
}
