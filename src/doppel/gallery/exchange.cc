#include "doppel/gallery/exchange.h"

#include <set>
#include <span>

#include "doppel/base/base64.h"
#include "doppel/base/digest.h"
#include "doppel/error.h"
#include "doppel/gallery/embedding_bytes.h"
#include "doppel/gallery/person_name.h"
#include "doppel/image/decode.h"

namespace doppel::internal {
namespace {

using nlohmann::json;

constexpr const char* kExportFormat = "doppel gallery export 1";
constexpr size_t kMostTemplatesOfPerson = 10'000;

// One line with errors that name it.
class Line {
 public:
  Line(const std::string& text, std::string where) : where_(std::move(where)) {
    value_ = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!value_.is_object()) fail("a JSON object was expected");
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data, where_ + ": " + what);
  }
  const std::string& where() const { return where_; }
  const json& object() const { return value_; }

  const std::string& text(const json& object, const char* field) const {
    if (!object.is_object() || !object.contains(field) || !object[field].is_string()) {
      fail(std::string("\"") + field + "\" is no text");
    }
    return object[field].get_ref<const std::string&>();
  }

 private:
  std::string where_;
  json value_;
};

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

NewTemplate read_template(const Line& line, const json& value, const GallerySettings& settings,
                          const std::string& origin) {
  NewTemplate result;
  result.origin = origin;
  const std::optional<std::string> embedding = from_base64(line.text(value, "embedding"));
  if (!embedding || embedding->size() != settings.embedding_size * sizeof(float)) {
    line.fail("\"embedding\" is no base64 of " + std::to_string(settings.embedding_size) +
              " floats");
  }
  result.embedding = floats_of(*embedding);
  if (const auto fault = embedding_fault(result.embedding, settings)) {
    line.fail("\"embedding\" " + *fault);
  }
  result.image_digest = line.text(value, "image");
  if (!is_digest_hex(result.image_digest)) line.fail("\"image\" is no digest");
  if (!value.contains("quality") || !value["quality"].is_number())
    line.fail("\"quality\" is no number");
  result.quality = value["quality"].get<double>();
  if (!(result.quality >= 0 && result.quality <= 1)) line.fail("\"quality\" is outside 0 to 1");
  if (value.contains("photo")) {
    std::optional<std::string> photo = from_base64(line.text(value, "photo"));
    if (!photo || photo->size() > kMostImageBytes) line.fail("\"photo\" is no base64 of a photo");
    result.photo = std::move(*photo);
  } else if (settings.photos) {
    line.fail("a template has no \"photo\", where the gallery keeps them");
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
  const Line head(text, where());
  const std::string& format = head.text(head.object(), "format");
  if (format != kExportFormat) {
    throw Error(ErrorKind::mismatch, where() + ": its format is \"" + shown(format) +
                                         "\", this program reads \"" + kExportFormat + "\"");
  }
  if (!head.object().contains("settings")) head.fail("\"settings\" are missing");
  result.settings = gallery_settings_from_json(head.object()["settings"], where());
  if (const auto fault = rule_fault(result.settings)) head.fail("its " + *fault);
  const json people = head.object().value("people", json());
  if (!people.is_number_unsigned()) head.fail("\"people\" is no number");

  std::set<std::string> names, digests;
  for (++number; next_line(stream, text, where(), bytes); ++number) {
    const Line line(text, where());
    NewPerson person;
    person.name = normal_name(line.text(line.object(), "name"));
    try {
      check_person_name(person.name, where());
    } catch (const Error& error) {
      throw Error(ErrorKind::bad_data, error.what());
    }
    if (!names.insert(person.name).second) line.fail("the name comes twice");
    const json templates = line.object().value("templates", json());
    if (!templates.is_array() || templates.size() > kMostTemplatesOfPerson) {
      line.fail("\"templates\" is no list of at most " + std::to_string(kMostTemplatesOfPerson));
    }
    for (const json& value : templates) {
      person.templates.push_back(
          read_template(line, value, result.settings,
                        where() + ", template " + std::to_string(person.templates.size() + 1)));
      if (!digests.insert(person.templates.back().image_digest).second) {
        line.fail("a photo comes twice");
      }
    }
    result.people.push_back(std::move(person));
  }
  if (result.people.size() != people.get<uint64_t>()) {
    throw Error(ErrorKind::bad_data, name + ": it holds " + std::to_string(result.people.size()) +
                                         " people, not " + std::to_string(people.get<uint64_t>()) +
                                         " as its first line says; is it cut off?");
  }
  return result;
}

}  // namespace doppel::internal
