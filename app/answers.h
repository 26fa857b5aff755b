// What a search found, as people and programs read it.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "doppel/error.h"
#include "doppel/gallery/person_name.h"
#include "doppel/gallery/search.h"
#include "doppel/image/looks.h"
#include "doppel/model/model.h"
#include "doppel/model/photo_embedder.h"

namespace doppel::internal::app {

struct AnsweredFace {
  double left = 0, top = 0, width = 0, height = 0;  // in pixels of the photo
  Looks looks;                                      // as the model took it
  Answer answer;
};

// The faces of one photo: none where the model looks for faces and finds none.
struct AnsweredPhoto {
  std::string file;
  std::vector<AnsweredFace> faces;
};

// The names of the compatible output (face_recognition's).
inline constexpr const char* kUnknown = kUnknownPerson;
inline constexpr const char* kNobody = kNoPerson;

// Reads and decodes photos and embeds their faces, then asks for the search and searches.
class PhotoAnswers {
 public:
  using Search = std::function<GallerySearch&()>;
  PhotoAnswers(const Model& model, Search search, FaceChoice choice, size_t top, ThreadPool& pool)
      : search_(std::move(search)), embedder_(model), choice_(choice), top_(top), pool_(pool) {}

  // One for each file, in their order: an answer, or the Error of it.
  struct Result {
    std::optional<AnsweredPhoto> photo;
    std::optional<Error> problem;
  };
  std::vector<Result> of(std::span<const std::string> files) const;

  // The same but for the search: the answers are empty. The rows of `embeddings` are those of the
  // photos' faces, in their order.
  struct Embedded {
    std::vector<Result> photos;
    Matrix embeddings;
  };
  Embedded embed(std::span<const std::string> files) const;

 private:
  Search search_;
  PhotoEmbedder embedder_;
  FaceChoice choice_;
  size_t top_;
  ThreadPool& pool_;
};

// A line for each face: file,name,score and, of several candidates, their names and scores, which
// are distances where the rule is not normalised. The name is kUnknown where nobody is near enough;
// the score is then that of the nearest.
std::string plain_lines(const AnsweredPhoto& photo, size_t top);
// The same of one face of this file.
std::string plain_line(const std::string& file, const Answer& answer, size_t top);
// The header and a line for each face and candidate.
std::string csv_header();
std::string csv_lines(const AnsweredPhoto& photo);
nlohmann::json to_json(const AnsweredPhoto& photo);

}  // namespace doppel::internal::app
