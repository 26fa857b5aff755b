#include "doppel/data/zip_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>  // NOLINT(modernize-deprecated-headers): newlocale is POSIX's

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestName = 1000;  // bytes of an entry's name
constexpr size_t kBlock = size_t{1} << 16;

// While this lives, the thread's letters are UTF-8. libarchive turns names into the thread's
// character set, and in the locale "C", the one a program starts in, that loses all but ASCII.
class Utf8Letters {
 public:
  Utf8Letters() {
    static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf8 != nullptr) before_ = ::uselocale(utf8);
  }
  ~Utf8Letters() {
    if (before_ != nullptr) ::uselocale(before_);
  }
  Utf8Letters(const Utf8Letters&) = delete;
  Utf8Letters& operator=(const Utf8Letters&) = delete;

 private:
  locale_t before_ = nullptr;
};

// Puts `given` without empty and "." parts into `name`; says what is wrong with it.
std::string clean(std::string_view given, std::string& name) {
  name.clear();
  if (given.size() > kLongestName) {
    name = std::string(given.substr(0, 40)) + "...";
    return "a name of " + std::to_string(given.size()) + " bytes, more than the " +
           std::to_string(kLongestName) + " that are accepted";
  }
  bool leads_out = given.starts_with('/'), shown = true;
  for (size_t start = 0; start < given.size();) {
    const size_t end = std::min(given.find('/', start), given.size());
    const std::string_view part = given.substr(start, end - start);
    start = end + 1;
    if (part.empty() || part == ".") continue;
    leads_out |= part == "..";
    if (!name.empty()) name += '/';
    for (const char c : part) {
      const bool control = static_cast<unsigned char>(c) < ' ' || c == 0x7f;
      shown &= !control;
      name += control ? '?' : c;
    }
  }
  if (leads_out) return "a name that leads out of the archive";
  if (!shown || name.empty()) return "a name that cannot be shown";
  return "";
}

}  // namespace

bool is_zip(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw Error(ErrorKind::io, file.string() + ": cannot be opened");
  std::array<char, 4> start{};
  stream.read(start.data(), start.size());
  const std::string_view bytes(start.data(), static_cast<size_t>(stream.gcount()));
  return bytes == "PK\3\4" || bytes == "PK\5\6";  // a first entry, or an archive without any
}

struct ZipReader::State {
  fs::path path;
  archive* reader = nullptr;
  archive_entry* current = nullptr;
  ZipEntry entry;

  std::string reason() const {
    const char* text = ::archive_error_string(reader);
    return text != nullptr ? text : "no reason is known";
  }
};

ZipReader::ZipReader(fs::path path) : state_(std::make_unique<State>()) {
  state_->path = std::move(path);
  const std::string name = state_->path.string();
  std::error_code error;
  if (!fs::is_regular_file(state_->path, error)) {  // a pipe would wait for ever
    throw Error(ErrorKind::io, name + ": cannot be opened: " +
                                   (error ? error.message() : "it is no regular file"));
  }
  const Utf8Letters letters;
  state_->reader = ::archive_read_new();
  // Only zip, and only by its table of contents: what reads entry after entry would take an archive
  // that was cut between two for a whole one.
  if (state_->reader != nullptr &&
      ::archive_read_support_format_zip_seekable(state_->reader) == ARCHIVE_OK &&
      ::archive_read_open_filename(state_->reader, name.c_str(), kBlock) == ARCHIVE_OK) {
    return;
  }
  const std::string why = state_->reader != nullptr ? state_->reason() : "out of memory";
  ::archive_read_free(state_->reader);
  throw Error(ErrorKind::bad_data,
              name + ": no zip archive, or an empty, damaged or shortened one (" + why + ")");
}

ZipReader::~ZipReader() { ::archive_read_free(state_->reader); }

const ZipEntry* ZipReader::next() {
  const Utf8Letters letters;
  const int result = ::archive_read_next_header(state_->reader, &state_->current);
  if (result == ARCHIVE_EOF) return nullptr;
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
    throw Error(ErrorKind::bad_data,
                state_->path.string() + ": a damaged archive (" + state_->reason() + ")" +
                    (state_->entry.name.empty() ? "" : " behind the entry " + state_->entry.name));
  }
  ZipEntry& entry = state_->entry;
  const char* given = ::archive_entry_pathname(state_->current);
  entry.flaw = clean(given != nullptr ? given : "", entry.name);
  const auto type = ::archive_entry_filetype(state_->current);
  entry.is_folder = type == AE_IFDIR;
  if (!entry.flaw.empty()) return &entry;
  if (result == ARCHIVE_WARN) {
    entry.flaw = "a damaged entry (" + state_->reason() + ")";
  } else if (::archive_entry_is_encrypted(state_->current) != 0) {
    entry.flaw = "encrypted, and encrypted files cannot be read here";
  } else if (type != AE_IFREG && !entry.is_folder) {
    entry.flaw = "a link or a device, where files and folders alone were expected";
  }
  return &entry;
}

std::string ZipReader::read(size_t most_bytes) {
  const std::string name = (state_->path / state_->entry.name).string();
  const auto refuse = [&](const std::string& why) {
    return Error(ErrorKind::bad_data, name + ": " + why);
  };
  if (!state_->entry.flaw.empty()) throw refuse(state_->entry.flaw);
  std::string bytes;  // grows with what comes: what the entry says of its size sizes nothing
  std::array<char, kBlock> block;
  while (true) {
    const la_ssize_t got = ::archive_read_data(state_->reader, block.data(), block.size());
    if (got < 0) throw refuse("cannot be unpacked (" + state_->reason() + ")");
    if (got == 0) return bytes;
    bytes.append(block.data(), static_cast<size_t>(got));
    if (bytes.size() > most_bytes) {
      throw refuse("unpacks to more than the " + std::to_string(most_bytes) +
                   " bytes that are accepted here");
    }
  }
}

}  // namespace doppel::internal
