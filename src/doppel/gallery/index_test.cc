#include "doppel/gallery/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "doppel/base/digest.h"
#include "doppel/base/file.h"
#include "doppel/base/random.h"
#include "doppel/error.h"
#include "doppel/gallery/index_check.h"

namespace doppel::internal {
namespace {

using ::testing::HasSubstr;

Energy energy_for(EnergyKind kind, size_t d) {
  Energy energy{kind, {}, 0};
  if (kind != EnergyKind::weighted_l1) return energy;
  Random random(7, Purpose::weights);
  for (size_t i = 0; i < d; ++i) {
    energy.weights.push_back(static_cast<float>(random.normal() - 0.5));
  }
  energy.bias = 1;
  return energy;
}

const EnergyKind kEnergies[] = {EnergyKind::euclidean, EnergyKind::squared_euclidean,
                                EnergyKind::cosine, EnergyKind::manhattan, EnergyKind::weighted_l1};

template <typename Function>
Error error_of(const Function& function) {
  try {
    function();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ErrorKind::io, ""};
}

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "doppel_index_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

TEST(TemplateIndex, FindsWhatComparingAllByHandFinds) {
  ThreadPool one(1), three(3);
  for (const EnergyKind kind : kEnergies) {
    for (const size_t d : {1u, 15u, 16u, 17u, 70u}) {
      for (const size_t n : {0u, 1u, 2u, 33u, 500u}) {
        const Matrix rows = random_rows(n, d), probes = random_rows(5, d, 2);
        const std::vector<int64_t> ids = ids_from(-3, n);
        TemplateIndex index(d, energy_for(kind, d));
        index.add(ids, rows, one);
        EXPECT_EQ(index.size(), n);
        for (const size_t k : {0u, 1u, 7u, 1000u}) {
          expect_by_hand(index, ids, rows, probes, k, three);
          EXPECT_EQ(index.search(probes, k, one), index.search_exactly(probes, k, three));
        }
        EXPECT_TRUE(index.search(Matrix(0, d), 3, one).empty());
      }
    }
  }
}

// Single precision cannot tell these apart, or would leave its range; the energy can.
TEST(TemplateIndex, IsExactWhereSinglePrecisionIsNot) {
  ThreadPool pool(2);
  for (const EnergyKind kind : kEnergies) {
    for (const double scale : {1e-7, 1.0, 1e14}) {
      const size_t n = 300, d = 40;
      Matrix rows(n, d);
      Random random(3, Purpose::sample);
      const Matrix place = random_rows(1, d);
      for (size_t i = 0; i < n; ++i) {
        for (size_t k = 0; k < d; ++k) {
          // Far from the probe, close to each other.
          rows.row(i)[k] =
              static_cast<float>(scale * (double{place.row(0)[k]} + 1e-6 * random.normal()));
        }
      }
      Matrix probes = random_rows(3, d, 5);
      for (float& value : probes.values) value *= static_cast<float>(scale);
      const std::vector<int64_t> ids = ids_from(0, n);
      TemplateIndex index(d, energy_for(kind, d));
      index.add(ids, rows, pool);
      for (const size_t k : {1u, 10u}) expect_by_hand(index, ids, rows, probes, k, pool);
    }
  }
}

TEST(TemplateIndex, PutsTheLowerIdFirstWhereDistancesAreEqual) {
  ThreadPool pool(1);
  for (const EnergyKind kind : kEnergies) {
    Matrix rows(4, 2);
    for (size_t i = 0; i < 4; ++i) rows.row(i)[0] = i == 2 ? 5.0f : 1.0f;
    TemplateIndex index(2, energy_for(kind, 2));
    index.add(std::vector<int64_t>{30, 10, 5, 20}, rows, pool);
    const auto found = index.search(part(rows, 0, 1), 4, pool).front();
    ASSERT_EQ(found.size(), 4u);
    if (kind == EnergyKind::weighted_l1 || kind == EnergyKind::cosine) {
      expect_by_hand(index, {30, 10, 5, 20}, rows, part(rows, 0, 1), 4, pool);
    } else {
      EXPECT_EQ(found[0].id, 10);
      EXPECT_EQ(found[1].id, 20);
      EXPECT_EQ(found[2].id, 30);
      EXPECT_EQ(found[3].id, 5);
    }
  }
}

TEST(TemplateIndex, GivesZerosTheCosineOfARightAngle) {
  ThreadPool pool(1);
  TemplateIndex index(2, {EnergyKind::cosine, {}, 0});
  Matrix rows(3, 2);
  rows.values = {-1, 0, 0, 0, 1, 1};
  index.add(ids_from(1, 3), rows, pool);
  Matrix probes(2, 2);
  probes.values = {1, 0, 0, 0};
  const auto found = index.search(probes, 3, pool);
  EXPECT_EQ(found[0],
            (std::vector<Neighbour>{{3, static_cast<float>(1 - std::sqrt(0.5))}, {2, 1}, {1, 2}}));
  EXPECT_EQ(found[1], (std::vector<Neighbour>{{1, 1}, {2, 1}, {3, 1}}));
}

TEST(TemplateIndex, OfManyTemplatesTakesManyProbesInParts) {
  ThreadPool pool(2);
  // Scores of all probes would be more than are kept at a time.
  const Matrix rows = random_rows(90'000, 2), probes = random_rows(200, 2, 2);
  const std::vector<int64_t> ids = ids_from(0, rows.rows);
  TemplateIndex index(2, {});
  index.add(ids, rows, pool);
  EXPECT_FALSE(index.has_graph());
  const auto found = index.search(probes, 2, pool);
  for (const size_t i : {0u, 185u, 186u, 187u, 199u}) {
    EXPECT_EQ(found[i], by_hand({}, ids, rows, probes.row(i), 2));
  }
}

TEST(TemplateIndex, RemovesTemplates) {
  ThreadPool pool(2);
  for (const IndexKind kind : {IndexKind::exact, IndexKind::graph}) {
    const Matrix rows = random_rows(50, 6), probes = random_rows(4, 6, 2);
    const std::vector<int64_t> ids = ids_from(100, 50);
    TemplateIndex index(6, {EnergyKind::cosine, {}, 0}, kind);
    index.add(ids, rows, pool);
    std::vector<int64_t> gone, left;
    Matrix rest(0, 6);
    for (size_t i = 0; i < 50; ++i) {
      if (i % 3 == 0 || i > 45) {
        gone.push_back(ids[i]);
      } else {
        left.push_back(ids[i]);
        rest.values.insert(rest.values.end(), rows.row(i).begin(), rows.row(i).end());
        ++rest.rows;
      }
    }
    index.remove(gone, pool);
    EXPECT_EQ(index.size(), left.size());
    EXPECT_FALSE(index.contains(100));
    EXPECT_TRUE(index.contains(101));
    expect_by_hand(index, left, rest, probes, 5, pool);
    index.add(std::vector<int64_t>{100}, part(rows, 0, 1), pool);  // the id is free again
    EXPECT_EQ(index.search(part(rows, 0, 1), 1, pool).front().front(), (Neighbour{100, 0}));
    index.remove(std::vector<int64_t>{100}, pool);
    index.remove(left, pool);
    EXPECT_EQ(index.size(), 0u);
    EXPECT_TRUE(index.search(probes, 5, pool).front().empty());
    index.add(ids, rows, pool);
    expect_by_hand(index, ids, rows, probes, 5, pool);
  }
}

TEST(TemplateIndex, RefusesWhatDoesNotFit) {
  ThreadPool pool(1);
  EXPECT_EQ(error_of([] { TemplateIndex(0, {}); }).kind(), ErrorKind::bad_argument);
  EXPECT_EQ(error_of([] {
              TemplateIndex(3, {EnergyKind::weighted_l1, {1, 2}, 0});
            }).kind(),
            ErrorKind::mismatch);
  EXPECT_THAT(error_of([] {
                TemplateIndex(1, {EnergyKind::weighted_l1, {1}, 0}, IndexKind::graph);
              }).what(),
              HasSubstr("use exact"));
  TemplateIndex index(3, {EnergyKind::cosine, {}, 0});
  const Matrix rows = random_rows(2, 3);
  const auto refused = [&](const std::vector<int64_t>& ids, const Matrix& embeddings) {
    return error_of([&] { index.add(ids, embeddings, pool); });
  };
  index.add(ids_from(1, 2), rows, pool);
  EXPECT_THAT(refused({2, 3}, rows).what(), HasSubstr("template 2 is there already"));
  EXPECT_THAT(refused({3, 3}, rows).what(), HasSubstr("template 3 comes twice"));
  EXPECT_EQ(refused({3}, rows).kind(), ErrorKind::mismatch);
  EXPECT_THAT(refused({3}, Matrix(1, 4)).what(), HasSubstr("4 values, 3 were expected"));
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), -1.1e15f}) {
    Matrix wrong = rows;
    wrong.row(1)[2] = bad;
    EXPECT_EQ(refused({3, 4}, wrong).kind(), ErrorKind::bad_data);
    EXPECT_THAT(refused({3, 4}, wrong).what(), HasSubstr("template 1"));
    EXPECT_EQ(error_of([&] { index.search(wrong, 1, pool); }).kind(), ErrorKind::bad_data);
  }
  Matrix tiny(1, 3);
  tiny.row(0)[0] = 1e-10f;
  EXPECT_EQ(refused({3}, tiny).kind(), ErrorKind::bad_data);
  EXPECT_EQ(error_of([&] { index.search(Matrix(1, 2), 1, pool); }).kind(), ErrorKind::mismatch);
  for (const std::vector<int64_t>& ids : {std::vector<int64_t>{1, 3}, {1, 1}}) {
    EXPECT_EQ(error_of([&] { index.remove(ids, pool); }).kind(), ErrorKind::bad_argument);
  }
  // All of it, or nothing.
  EXPECT_EQ(index.size(), 2u);
  expect_by_hand(index, {1, 2}, rows, rows, 2, pool);
}

TEST(TemplateIndex, NamesItsKinds) {
  for (const IndexKind kind : {IndexKind::automatic, IndexKind::exact, IndexKind::graph}) {
    EXPECT_EQ(index_kind_named(to_string(kind)), kind);
  }
  EXPECT_THAT(error_of([] { index_kind_named("hnsw"); }).what(),
              HasSubstr("automatic, exact, graph"));
}

TEST(TemplateIndexGraph, DoesNotDependOnThreads) {
  const Folder folder;
  const Matrix rows = clustered_rows(400, 5, 8, 0.3);
  std::string files[2];
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    TemplateIndex index(8, {}, IndexKind::graph);
    index.add(ids_from(0, 1500), part(rows, 0, 1500), pool);
    index.add(ids_from(1500, 500), part(rows, 1500, 500), pool);
    index.remove(ids_from(200, 100), pool);
    index.save(folder / "x", "key");
    files[threads / 3] = read_file(folder / "x", 1 << 20);
  }
  EXPECT_EQ(files[0], files[1]);
}

TEST(TemplateIndexGraph, SearchesAroundATemplateFindWhatIsNear) {
  ThreadPool pool(2);
  const Matrix rows = clustered_rows(1000, 3, 16, 0.3);
  TemplateIndex index(16, {}, IndexKind::graph), exact(16, {}, IndexKind::exact);
  index.add(ids_from(0, rows.rows), rows, pool);
  exact.add(ids_from(0, rows.rows), rows, pool);
  const std::vector<int64_t> some = ids_from(500, 300);
  const auto found = index.search_around(some, 10, pool);
  const auto wanted = exact.search_around(some, 10, pool);
  EXPECT_EQ(wanted, exact.search(part(rows, 500, 300), 10, pool));
  size_t same = 0;
  for (size_t i = 0; i < some.size(); ++i) {
    ASSERT_EQ(found[i].size(), 10u);
    EXPECT_EQ(found[i].front().id, some[i]);
    for (const Neighbour& neighbour : found[i]) {
      same += static_cast<size_t>(std::ranges::count(wanted[i], neighbour));
    }
  }
  EXPECT_GE(same, 2970u) << "of 3000";
  EXPECT_EQ(error_of([&] { index.search_around(std::vector<int64_t>{5000}, 1, pool); }).kind(),
            ErrorKind::bad_argument);
}

class SavedIndex : public ::testing::Test {
 protected:
  SavedIndex() : index_(8, {EnergyKind::cosine, {}, 0}, IndexKind::graph) {
    index_.add(ids_, rows_, pool_);
    index_.save(folder_ / "index", "gallery 17");
  }
  TemplateIndex::Loaded load(const std::string& key = "gallery 17") {
    return TemplateIndex::load(folder_ / "index", key, ids_, rows_, index_.energy(), pool_,
                               IndexKind::graph);
  }
  void write(const std::string& bytes) {
    std::ofstream(folder_ / "index", std::ios::binary | std::ios::trunc) << bytes;
  }
  std::string bytes() { return read_file(folder_ / "index", 1 << 20); }

  Folder folder_;
  ThreadPool pool_{2};
  Matrix rows_ = clustered_rows(60, 5, 8, 0.3);
  std::vector<int64_t> ids_ = ids_from(1000, 300);
  TemplateIndex index_;
};

TEST_F(SavedIndex, ComesBackOverTemplatesInAnyOrder) {
  const Matrix probes = random_rows(20, 8, 4);
  const TemplateIndex::Loaded same = load();
  ASSERT_TRUE(same.index) << same.reason;
  EXPECT_TRUE(same.index->has_graph());
  EXPECT_EQ(same.index->search(probes, 5, pool_), index_.search(probes, 5, pool_));
  std::vector<int64_t> turned(ids_.rbegin(), ids_.rend());
  Matrix turned_rows(300, 8);
  for (size_t i = 0; i < 300; ++i) {
    std::ranges::copy(rows_.row(299 - i), turned_rows.row(i).begin());
  }
  TemplateIndex::Loaded other =
      TemplateIndex::load(folder_ / "index", "gallery 17", turned, turned_rows, index_.energy(),
                          pool_, IndexKind::graph);
  ASSERT_TRUE(other.index) << other.reason;
  EXPECT_EQ(other.index->search(probes, 5, pool_), index_.search(probes, 5, pool_));
  expect_by_hand(*other.index, ids_, rows_, probes, 5, pool_);
  // It goes on like the one that was saved.
  for (TemplateIndex* index : {&*other.index, &index_}) {
    index->remove(std::vector<int64_t>{1003, 1100}, pool_);
    index->add(std::vector<int64_t>{7}, random_rows(1, 8, 9), pool_);
  }
  EXPECT_EQ(other.index->search(probes, 5, pool_), index_.search(probes, 5, pool_));
  other.index->save(folder_ / "other", "x");
  index_.save(folder_ / "index", "x");
  EXPECT_EQ(read_file(folder_ / "other", 1 << 20), bytes());
}

TEST_F(SavedIndex, HoldsNoTemplates) {
  const std::string file = bytes();
  for (size_t i = 0; i < rows_.values.size(); i += 2) {
    const std::string value(reinterpret_cast<const char*>(&rows_.values[i]), 8);
    EXPECT_EQ(file.find(value), std::string::npos);
  }
}

TEST_F(SavedIndex, IsStaleForAnotherKeyOtherTemplatesOrAnotherEnergy) {
  EXPECT_THAT(load("gallery 18").reason, HasSubstr("another revision"));
  EXPECT_FALSE(load("gallery 1").index);
  EXPECT_FALSE(load("").index);
  ids_[5] = 1;
  EXPECT_THAT(load().reason, HasSubstr("other templates"));
  ids_.pop_back();
  rows_ = part(rows_, 0, 299);
  EXPECT_THAT(load().reason, HasSubstr("another number of templates"));
  const TemplateIndex::Loaded other = TemplateIndex::load(folder_ / "index", "gallery 17", ids_,
                                                          rows_, {}, pool_, IndexKind::graph);
  EXPECT_THAT(other.reason, HasSubstr("another energy"));
}

TEST_F(SavedIndex, IsMissing) {
  std::filesystem::remove(folder_ / "index");
  EXPECT_THAT(load().reason, HasSubstr("index: cannot be opened"));
}

TEST_F(SavedIndex, IsLoadedWithoutItsGraphWhereNoneIsWanted) {
  const TemplateIndex::Loaded loaded =
      TemplateIndex::load(folder_ / "index", "gallery 17", ids_, rows_, index_.energy(), pool_);
  ASSERT_TRUE(loaded.index) << loaded.reason;
  EXPECT_FALSE(loaded.index->has_graph());
  EXPECT_EQ(error_of([&] { loaded.index->save(folder_ / "x", ""); }).kind(),
            ErrorKind::bad_argument);
  EXPECT_EQ(error_of([&] { index_.save(folder_ / "x", std::string(5000, 'x')); }).kind(),
            ErrorKind::bad_argument);
}

TEST_F(SavedIndex, DamagedAnywhereIsNotFollowed) {
  const std::string whole = bytes();
  for (size_t at = 0; at < whole.size(); at += at < 400 ? 1 : 97) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    write(damaged);
    EXPECT_FALSE(load().index) << "byte " << at;
    write(whole.substr(0, at));
    EXPECT_FALSE(load().index) << "cut at " << at;
  }
  write(whole + "x");
  EXPECT_FALSE(load().index);
  write(std::string(10 << 20, 'x'));
  EXPECT_THAT(load().reason, HasSubstr("larger than"));
  write(whole);
  EXPECT_TRUE(load().index);
}

// Whoever writes the digest of what they forged must still get past the checks of each field.
TEST_F(SavedIndex, ForgedAnywhereLeadsNowhereOutside) {
  const std::string whole = bytes();
  const size_t head = 15 + 64;
  size_t refused = 0, taken = 0;
  for (size_t at = head; at < whole.size(); at += at < head + 120 ? 1 : 41) {
    for (const char value : {'\x00', '\x7f', '\xff'}) {
      std::string body = whole.substr(head);
      body[at - head] = value;
      write(whole.substr(0, 15) + sha256_hex(body) + body);
      const TemplateIndex::Loaded loaded = load();
      loaded.index ? ++taken : ++refused;
      if (loaded.index) {
        EXPECT_EQ(loaded.index->search(part(rows_, 0, 9), 5, pool_).size(), 9u);
      }
    }
  }
  EXPECT_GT(refused, 300u);
  EXPECT_GT(taken, 100u);  // another link, which is as good as any
}

}  // namespace
}  // namespace doppel::internal
