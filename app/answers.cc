#include "answers.h"

#include <algorithm>
#include <cstdio>

#include "doppel/error.h"
#include "doppel/gallery/answer_json.h"
#include "doppel/image/decode.h"
#include "doppel/image/resize.h"
#include "measures.h"

namespace doppel::internal::app {
namespace {

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string rate(const std::optional<double>& value) { return value ? number("%.3g", *value) : ""; }

}  // namespace

PhotoAnswers::Embedded PhotoAnswers::embed(std::span<const std::string> files) const {
  Embedded embedded;
  std::vector<Result>& results = embedded.photos;
  results.resize(files.size());
  std::vector<std::vector<PhotoFace>> faces(files.size());
  pool_.parallel_for(files.size(), [&](size_t i, size_t) {
    try {
      const Image photo = load_image(files[i], faces_.decoding());
      faces[i] = faces_.of(photo, choice_, files[i]);
      // Large photos would fill the memory; it changes no bit of the embeddings.
      for (PhotoFace& face : faces[i]) {
        face.image = resize(face.image, input_.width, input_.height);
      }
      results[i].photo = AnsweredPhoto{files[i], {}};
    } catch (const Error& error) {
      results[i].problem = error;
    }
  });
  std::vector<Image> images;
  for (std::vector<PhotoFace>& of_photo : faces) {
    for (PhotoFace& face : of_photo) images.push_back(std::move(face.image));
  }
  const EachEmbedding embeddings = embedder_.embed_each(images, pool_);
  embedded.embeddings = Matrix(0, embeddings.rows.columns);
  size_t next = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    const size_t first = next;
    next += faces[i].size();
    for (size_t row = first; row < next; ++row) {
      if (const std::optional<std::string>& fault = embeddings.faults[row]) {
        results[i] = {std::nullopt,
                      Error(ErrorKind::bad_data, files[i] + ": its embedding " + *fault)};
      }
    }
    if (results[i].problem) continue;
    for (const PhotoFace& face : faces[i]) {
      results[i].photo->faces.push_back(
          {face.left, face.top, face.width, face.height, face.looks, {}});
    }
    for (size_t row = first; row < next; ++row) {
      embedded.embeddings.append(embeddings.rows.row(row));
    }
  }
  return embedded;
}

std::vector<PhotoAnswers::Result> PhotoAnswers::of(std::span<const std::string> files) const {
  Embedded embedded = embed(files);
  std::vector<Answer> answers = search_().identify(embedded.embeddings, top_);
  size_t next = 0;
  for (Result& result : embedded.photos) {
    if (!result.photo) continue;
    for (AnsweredFace& face : result.photo->faces) face.answer = std::move(answers[next++]);
  }
  return std::move(embedded.photos);
}

std::string plain_line(const std::string& file, const Answer& answer, size_t top) {
  const std::vector<Candidate>& candidates = answer.candidates;
  std::string line = csv_field(file) + ",";
  line.append(answer.known ? csv_field(candidates[0].name) : kUnknown).append(",");
  if (!candidates.empty()) line += number("%.4f", candidates[0].score);
  for (size_t i = 0; top > 1 && i < candidates.size(); ++i) {
    line.append(",").append(csv_field(candidates[i].name));
    line += number(",%.4f", candidates[i].score);
  }
  return line;
}

std::string plain_lines(const AnsweredPhoto& photo, size_t top) {
  if (photo.faces.empty()) return csv_field(photo.file) + "," + kNobody + ",\n";
  std::string lines;
  for (const AnsweredFace& face : photo.faces) {
    lines += plain_line(photo.file, face.answer, top) + "\n";
  }
  return lines;
}

std::string csv_header() {
  return "file,face,left,top,width,height,known,rank,name,distance,score,far,fpir\n";
}

std::string csv_lines(const AnsweredPhoto& photo) {
  std::string lines;
  for (size_t i = 0; i < photo.faces.size(); ++i) {
    const AnsweredFace& face = photo.faces[i];
    const std::string start = csv_field(photo.file) + "," + std::to_string(i + 1) +
                              number(",%.0f", face.left) + number(",%.0f", face.top) +
                              number(",%.0f", face.width) + number(",%.0f", face.height) + "," +
                              (face.answer.known ? "1" : "0") + ",";
    for (size_t rank = 0; rank < face.answer.candidates.size(); ++rank) {
      const Candidate& candidate = face.answer.candidates[rank];
      lines += start + std::to_string(rank + 1) + "," + csv_field(candidate.name) +
               number(",%.6f", candidate.distance) + number(",%.6f", candidate.score) + "," +
               rate(candidate.far) + "," + rate(candidate.fpir) + "\n";
    }
  }
  return lines;
}

nlohmann::json to_json(const AnsweredPhoto& photo) {
  nlohmann::json faces = nlohmann::json::array();
  for (const AnsweredFace& face : photo.faces) {
    nlohmann::json document = to_json(face.answer);
    document["box"] = {face.left, face.top, face.width, face.height};
    faces.push_back(std::move(document));
  }
  return {{"file", photo.file}, {"faces", faces}};
}

}  // namespace doppel::internal::app
