#include "doppel/eval/pair_list.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <unordered_map>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

// At most `most` parts, the last with all that is left: a line without end takes no memory.
std::vector<std::string_view> split(std::string_view text, char separator, size_t most) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = parts.size() + 1 < most ? text.find(separator) : std::string_view::npos;
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Up to nine decimal digits and nothing else.
std::optional<uint32_t> whole_number(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  uint32_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The number at the end of a file's name, without its extension.
std::optional<uint32_t> image_number(std::string_view name) {
  name.remove_prefix(name.rfind('/') + 1);  // npos + 1 is 0
  if (const size_t dot = name.rfind('.'); dot != std::string_view::npos && dot > 0) {
    name = name.substr(0, dot);
  }
  const size_t before = name.find_last_not_of("0123456789");
  return whole_number(before == std::string_view::npos ? name : name.substr(before + 1));
}

// The lines of a list and where the reader stands.
class Lines {
 public:
  Lines(std::string_view text, const std::string& name) : name_(name) {
    const size_t last = text.find_last_not_of("\r\n");
    if (last == std::string_view::npos) return;
    text_ = text.substr(0, last + 1);
    left_ = static_cast<size_t>(std::count(text_.begin(), text_.end(), '\n')) + 1;
  }

  size_t left() const { return left_; }
  size_t number() const { return number_; }  // of the line read last, from 1 on

  // The next line's fields, at most one more than a pair has. There must be one.
  std::vector<std::string_view> next() {
    assert(left_ > 0);
    std::string_view line = text_.substr(0, text_.find('\n'));
    text_.remove_prefix(std::min(line.size() + 1, text_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    --left_;
    ++number_;
    return split(line, '\t', 5);
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data, name_ + ": line " + std::to_string(number_) + ": " + what);
  }

 private:
  std::string_view text_;
  const std::string& name_;
  size_t left_ = 0, number_ = 0;
};

struct Header {
  size_t folds = 1, genuine = 0, impostor = 0;
};

Header read_header(Lines& lines) {
  std::vector<size_t> numbers;
  for (const std::string_view field : lines.next()) {
    const std::optional<uint32_t> number = whole_number(field);
    if (!number || *number == 0 || numbers.size() == 3) {
      lines.fail(
          "the number of pairs of each kind was expected, or the number of folds, a tab and the "
          "number of pairs");
    }
    numbers.push_back(*number);
  }
  if (numbers.size() == 1) return {1, numbers[0], numbers[0]};
  return {numbers[0], numbers[1], numbers.back()};
}

NamedPair read_pair(Lines& lines, bool genuine) {
  const std::vector<std::string_view> fields = lines.next();
  if (fields.size() != (genuine ? 3 : 4)) {
    lines.fail(genuine ? "a pair of one person was expected: name, tab, number, tab, number"
                       : "a pair of two persons was expected: name, tab, number, tab, other name, "
                         "tab, number");
  }
  const auto image = [&](std::string_view person, std::string_view number) {
    const std::optional<uint32_t> value = whole_number(number);
    if (person.empty()) lines.fail("a person's name was expected, nothing stands there");
    if (!value)
      lines.fail("an image's number was expected, not \"" + std::string(number.substr(0, 40)) +
                 "\"");
    return NamedImage{std::string(person), *value};
  };
  NamedPair pair{image(fields[0], fields[1]),
                 genuine ? image(fields[0], fields[2]) : image(fields[2], fields[3]),
                 lines.number()};
  if (pair.a == pair.b) lines.fail("two different images were expected");
  if (pair.genuine() != genuine) lines.fail("two different persons were expected");
  return pair;
}

}  // namespace

PairList parse_pair_list(std::string_view text, const std::string& name) {
  if (text.size() > kMostPairListBytes) {
    throw Error(ErrorKind::bad_data, name + ": larger than the " +
                                         std::to_string(kMostPairListBytes) +
                                         " bytes that a list of pairs may have");
  }
  Lines lines(text, name);
  if (lines.left() == 0) throw Error(ErrorKind::bad_data, name + ": empty, pairs were expected");
  const Header header = read_header(lines);
  const uint64_t expected = uint64_t{header.folds} * (header.genuine + header.impostor);
  if (lines.left() != expected) {
    lines.fail("announces " + std::to_string(expected) + " pairs, " + std::to_string(lines.left()) +
               " follow");
  }
  PairList list{name, {}};
  for (size_t f = 0; f < header.folds; ++f) {
    std::vector<NamedPair>& fold = list.folds.emplace_back();
    for (size_t i = 0; i < header.genuine; ++i) fold.push_back(read_pair(lines, true));
    for (size_t i = 0; i < header.impostor; ++i) fold.push_back(read_pair(lines, false));
  }
  return list;
}

std::vector<std::vector<Pair>> resolve(const PairList& list, const Dataset& dataset) {
  constexpr uint32_t kShared = UINT32_MAX;  // two images have this number
  std::unordered_map<std::string_view, std::map<uint32_t, uint32_t>> images_of;
  for (const Identity& identity : dataset.identities) {
    std::map<uint32_t, uint32_t>& images = images_of[identity.name];
    for (size_t i = identity.first; i < identity.first + identity.count; ++i) {
      if (const auto number = image_number(dataset.image_names[i])) {
        const auto [at, added] = images.emplace(*number, static_cast<uint32_t>(i));
        if (!added) at->second = kShared;
      }
    }
  }
  std::vector<std::vector<Pair>> folds;
  for (const std::vector<NamedPair>& named : list.folds) {
    std::vector<Pair>& fold = folds.emplace_back();
    for (const NamedPair& pair : named) {
      const auto find = [&](const NamedImage& image) {
        const auto fail = [&](const std::string& what) {
          throw Error(ErrorKind::mismatch,
                      list.source + ": line " + std::to_string(pair.line) + ": " + what);
        };
        const auto person = images_of.find(image.person);
        if (person == images_of.end()) {
          fail("\"" + image.person + "\" is nobody in " + dataset.source);
        }
        const auto found = person->second.find(image.number);
        if (found == person->second.end()) {
          fail("image " + std::to_string(image.number) + " of \"" + image.person + "\" is not in " +
               dataset.source);
        }
        if (found->second == kShared) {
          fail("several images of \"" + image.person + "\" in " + dataset.source +
               " have the number " + std::to_string(image.number));
        }
        return found->second;
      };
      fold.push_back({find(pair.a), find(pair.b), pair.genuine()});
    }
  }
  return folds;
}

std::string encode_pair_list(std::span<const std::vector<Pair>> folds, const Dataset& dataset) {
  const auto count = [](const std::vector<Pair>& pairs, bool genuine) {
    return static_cast<size_t>(std::count_if(
        pairs.begin(), pairs.end(), [=](const Pair& pair) { return pair.genuine == genuine; }));
  };
  const size_t genuine = folds.empty() ? 0 : count(folds.front(), true);
  const size_t impostor = folds.empty() ? 0 : count(folds.front(), false);
  for (const std::vector<Pair>& fold : folds) {
    if (count(fold, true) != genuine || count(fold, false) != impostor) {
      throw Error(ErrorKind::bad_argument,
                  "pair list: the same numbers of pairs were expected in every fold");
    }
  }
  if (genuine == 0 || impostor == 0) {
    throw Error(ErrorKind::bad_argument, "pair list: pairs of both kinds were expected");
  }

  std::string text;
  if (folds.size() > 1 || genuine != impostor) text = std::to_string(folds.size()) + '\t';
  text += std::to_string(genuine);
  if (genuine != impostor) text += '\t' + std::to_string(impostor);
  text += '\n';
  std::vector<std::vector<Pair>> written;  // the pairs in the order of the text
  for (const std::vector<Pair>& fold : folds) {
    std::vector<Pair>& pairs = written.emplace_back(fold);
    std::stable_partition(pairs.begin(), pairs.end(), [](const Pair& p) { return p.genuine; });
    for (const Pair& pair : pairs) {
      const auto person = [&](uint32_t image) {
        assert(image < dataset.images.size());
        return dataset.identities[dataset.identity_of[image]].name;
      };
      const auto number = [&](uint32_t image) {
        const std::optional<uint32_t> value = image_number(dataset.image_names[image]);
        if (!value) {
          throw Error(ErrorKind::bad_data, "pair list: " + dataset.image_names[image] +
                                               " cannot be named: a number of at most nine digits "
                                               "was expected at the end of its name");
        }
        return std::to_string(*value);
      };
      text += person(pair.a) + '\t' + number(pair.a) + '\t';
      if (!pair.genuine) text += person(pair.b) + '\t';
      text += number(pair.b) + '\n';
    }
  }
  // Whatever would not come back is not written: numbers that images share, tabs in names.
  std::string failure = "other pairs would be read";
  try {
    if (resolve(parse_pair_list(text, "list"), dataset) == written) return text;
  } catch (const Error& error) {
    failure = error.what();
  }
  throw Error(ErrorKind::bad_data, "pair list: it could not be read again: " + failure);
}

FoldedAccuracy folded_accuracy(std::span<const ScoredPairs> folds) {
  if (folds.size() < 2) {
    throw Error(ErrorKind::bad_argument,
                "folds: at least two were expected, to choose a threshold on one for the other");
  }
  FoldedAccuracy result;
  for (size_t test = 0; test < folds.size(); ++test) {
    ScoredPairs others;
    for (size_t f = 0; f < folds.size(); ++f) {
      if (f == test) continue;
      others.distance.insert(others.distance.end(), folds[f].distance.begin(),
                             folds[f].distance.end());
      others.genuine.insert(others.genuine.end(), folds[f].genuine.begin(), folds[f].genuine.end());
    }
    const double threshold = best_accuracy(roc_curve(others)).threshold;
    result.folds.push_back(at_threshold(folds[test], threshold).accuracy());
  }
  const auto n = static_cast<double>(folds.size());
  for (const double accuracy : result.folds) result.mean += accuracy / n;
  double squares = 0;
  for (const double accuracy : result.folds) {
    squares += (accuracy - result.mean) * (accuracy - result.mean);
  }
  result.standard_error = std::sqrt(squares / (n - 1) / n);
  return result;
}

}  // namespace doppel::internal
