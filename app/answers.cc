#include "answers.h"

#include <algorithm>
#include <cstdio>

#include "doppel/error.h"
#include "doppel/gallery/answer_json.h"
#include "measures.h"

namespace doppel::internal::app {
namespace {

std::string rate(const std::optional<double>& value) {
  return value ? formatted("%.3g", *value) : "";
}

}  // namespace

PhotoAnswers::Embedded PhotoAnswers::embed(std::span<const std::string> files) const {
  std::vector<PhotoSource> sources;
  for (const std::string& file : files) sources.push_back(PhotoSource::of_file(file));
  Embedded result{{}, Matrix(0, embedder_.embedder().size())};
  std::vector<EmbeddedPhoto> photos = embedder_.embed(sources, {.choice = choice_}, pool_);
  for (size_t i = 0; i < files.size(); ++i) {
    if (photos[i].problem) {
      result.photos.push_back({std::nullopt, std::move(photos[i].problem)});
      continue;
    }
    AnsweredPhoto answered{files[i], {}};
    for (const auto& [face, quality, embedding] : photos[i].faces) {
      answered.faces.push_back({face.left, face.top, face.width, face.height, face.looks, {}});
      result.embeddings.append(embedding);
    }
    result.photos.push_back({std::move(answered), std::nullopt});
  }
  return result;
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
  if (!candidates.empty()) line += formatted("%.4f", candidates[0].score);
  for (size_t i = 0; top > 1 && i < candidates.size(); ++i) {
    line.append(",").append(csv_field(candidates[i].name));
    line += formatted(",%.4f", candidates[i].score);
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
                              formatted(",%.0f", face.left) + formatted(",%.0f", face.top) +
                              formatted(",%.0f", face.width) + formatted(",%.0f", face.height) +
                              "," + (face.answer.known ? "1" : "0") + ",";
    for (size_t rank = 0; rank < face.answer.candidates.size(); ++rank) {
      const Candidate& candidate = face.answer.candidates[rank];
      lines += start + std::to_string(rank + 1) + "," + csv_field(candidate.name) +
               formatted(",%.6f", candidate.distance) + formatted(",%.6f", candidate.score) + "," +
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
