#include "doppel/gallery/exchange.h"

#include <set>
#include <span>

#include "doppel/base/base64.h"
#include "doppel/base/digest.h"
#include "doppel/base/json_object.h"
#include "doppel/error.h"
#include "doppel/gallery/embedding_bytes.h"
#include "doppel/gallery/person_name.h"
#include "doppel/image/decode.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr const char* kExportFormat = "doppel gallery export 1";
constexpr size_t kMostTemplatesOfPerson = 10'000;

bool next_line(std::istream& stream, std::string& line, const std::string& where, size_t& total) {
  line.clear();
  for (int c; (c = stream.get()) != std::char_traits<char>::eof();) {
    if (c == '\n') return true;
    line += static_cast<char>(c);
    if (line.size() > kMostExportLine || ++total > kMostExportBytes) {
      throw Error(ErrorKind::bad_data, where + ": longer than any export");
    }
  }
  return !line.empty();
}

NewTemplate read_template(const JsonObject& object, const GallerySettings& settings,
                          const std::string& origin) {
  NewTemplate result;
  result.origin = origin;
  const std::optional<std::string> embedding = from_base64(object.text("embedding"));
  if (!embedding || embedding->size() != settings.embedding_size * sizeof(float)) {
    object.refuse("embedding", "base64 of " + std::to_string(settings.embedding_size) + " floats");
  }
  result.embedding = floats_of(*embedding);
  if (const auto fault = embedding_fault(result.embedding, settings)) {
    object.fail("\"embedding\" " + *fault);
  }
  result.image_digest = object.text("image");
  if (!is_digest_hex(result.image_digest)) object.refuse("image", "a digest");
  result.quality = object.number("quality", 0, 1);
  if (object.has("photo")) {
    std::optional<std::string> photo = from_base64(object.text("photo"));
    if (!photo || photo->size() > kMostImageBytes) object.refuse("photo", "base64 of a photo");
    result.photo = std::move(*photo);
  } else if (settings.photos) {
    object.fail("a template has no \"photo\", where the gallery keeps them");
  }
  return result;
}

void write_people(Gallery& gallery, const std::vector<Person>& people, bool photos,
                  const std::function<void(const std::string& line)>& write) {
  GallerySettings settings = gallery.settings();
  settings.photos = settings.photos && photos;
  write(json{{"format", kExportFormat}, {"settings", to_json(settings)}, {"people", people.size()}}
            .dump());
  for (const Person& person : people) {
    json templates = json::array();
    for (const TemplateFacts& facts : gallery.templates_of(person.id)) {
      const std::vector<float> embedding = gallery.embedding(facts.id);
      templates.push_back({{"embedding", to_base64(bytes_of(embedding))},
                           {"image", facts.image_digest},
                           {"quality", facts.quality}});
      if (settings.photos) templates.back()["photo"] = to_base64(gallery.photo(facts.id));
    }
    write(json{{"name", person.name}, {"templates", templates}}.dump());
  }
}

}  // namespace

void export_people(Gallery& gallery, bool photos,
                   const std::function<void(const std::string& line)>& write) {
  const Gallery::Snapshot snapshot = gallery.snapshot();
  write_people(gallery, gallery.people(), photos, write);
}

void export_person(Gallery& gallery, const std::string& name, bool photos,
                   const std::function<void(const std::string& line)>& write) {
  const Gallery::Snapshot snapshot = gallery.snapshot();
  const std::optional<Person> person = gallery.find(name);
  if (!person) {
    throw Error(ErrorKind::bad_argument, gallery.name() + ": there is no \"" + shown(name) + "\"");
  }
  write_people(gallery, {*person}, photos, write);
}

ImportedGallery read_export(std::istream& stream, const std::string& name) {
  ImportedGallery result;
  std::string text;
  size_t bytes = 0, number = 1;
  const auto where = [&] { return name + ", line " + std::to_string(number); };
  if (!next_line(stream, text, where(), bytes)) {
    throw Error(ErrorKind::bad_data, name + ": the file is empty");
  }
  const json first = parse_json(text, where());
  const JsonObject head(first, where());
  const std::string& format = head.text("format");
  if (format != kExportFormat) {
    throw Error(ErrorKind::mismatch, where() + ": its format is \"" + shown(format) +
                                         "\", this program reads \"" + kExportFormat + "\"");
  }
  result.settings = gallery_settings_from_json(head.at("settings"), where());
  if (const auto fault = rule_fault(result.settings)) head.fail("its " + *fault);
  const size_t people = head.whole_number("people", 0, SIZE_MAX);

  std::set<std::string> names, digests;
  for (++number; next_line(stream, text, where(), bytes); ++number) {
    const json value = parse_json(text, where());
    const JsonObject line(value, where());
    NewPerson person;
    person.name = normal_name(line.text("name"));
    try {
      check_person_name(person.name, where());
    } catch (const Error& error) {
      throw Error(ErrorKind::bad_data, error.what());
    }
    if (!names.insert(person.name).second) line.fail("the name comes twice");
    for (const json& listed : line.list("templates", kMostTemplatesOfPerson)) {
      const std::string origin =
          where() + ", template " + std::to_string(person.templates.size() + 1);
      person.templates.push_back(
          read_template(JsonObject(listed, origin), result.settings, origin));
      if (!digests.insert(person.templates.back().image_digest).second) {
        line.fail("a photo comes twice");
      }
    }
    result.people.push_back(std::move(person));
  }
  if (result.people.size() != people) {
    throw Error(ErrorKind::bad_data, name + ": it holds " + std::to_string(result.people.size()) +
                                         " people, not " + std::to_string(people) +
                                         " as its first line says; is it cut off?");
  }
  return result;
}

}  // namespace doppel::internal
