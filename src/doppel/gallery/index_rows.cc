#include "doppel/gallery/index_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <tuple>
#include <utility>

namespace doppel::internal {
namespace {

// Sums run in this many lanes: enough for every vector unit, and the same bits on each.
constexpr size_t kSums = 16;

template <typename Term>
float sum_of(size_t n, const Term& term) {
  float sums[kSums] = {};
  size_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (size_t j = 0; j < kSums; ++j) sums[j] += term(i + j);
  }
  for (size_t j = 0; i + j < n; ++j) sums[j] += term(i + j);
  for (size_t half = kSums / 2; half > 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) sums[j] += sums[j + half];
  }
  return sums[0];
}

float magnitudes(const float* a, const float* b, size_t n) {
  return sum_of(n, [&](size_t i) { return std::abs(a[i] - b[i]); });
}

// Of rows with these scores those that may be among the k nearest, as positions.
std::vector<uint32_t> select(const QuickScore& score, std::span<const float> scores, size_t k) {
  std::priority_queue<float> nearest;  // the k lowest scores, the highest of them on top
  for (const float value : scores) {
    if (nearest.size() < k) {
      nearest.push(value);
    } else if (value < nearest.top()) {
      nearest.pop();
      nearest.push(value);
    }
  }
  std::vector<uint32_t> chosen;
  if (nearest.empty()) return chosen;
  const float limit = score.limit(nearest.top());
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] <= limit) chosen.push_back(static_cast<uint32_t>(i));
  }
  return chosen;
}

// The k nearest of the rows, all by energy_of().
std::vector<Neighbour> rank(const IndexRows& rows, std::span<const float> probe,
                            std::span<const uint32_t> candidates, size_t k) {
  std::vector<Neighbour> ranked;
  ranked.reserve(candidates.size());
  for (const uint32_t row : candidates) {
    ranked.push_back(
        {rows.ids[row], static_cast<float>(energy_of(rows.energy, probe, rows.row(row)))});
  }
  const auto nearer = [](const Neighbour& a, const Neighbour& b) {
    return std::tuple(a.distance, a.id) < std::tuple(b.distance, b.id);
  };
  const size_t kept = std::min(k, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<ptrdiff_t>(kept), ranked.end(),
                    nearer);
  ranked.resize(kept);
  return ranked;
}

}  // namespace

float inverse_length(std::span<const float> row) {
  double sum = 0;
  for (const float value : row) sum += double{value} * double{value};
  return sum == 0 ? 0 : static_cast<float>(1 / std::sqrt(sum));
}

float squares(const float* a, const float* b, size_t n) {
  return sum_of(n, [&](size_t i) {
    const float difference = a[i] - b[i];
    return difference * difference;
  });
}

float products(const float* a, const float* b, size_t n) {
  return sum_of(n, [&](size_t i) { return a[i] * b[i]; });
}

void IndexRows::append(std::span<const int64_t> more_ids, Matrix embeddings) {
  // Memory first: afterwards nothing can fail.
  const bool directions = energy.kind == EnergyKind::cosine, first = ids.empty();
  const auto grown = [](size_t now, size_t more, size_t capacity) {
    return now + more <= capacity ? capacity : std::max(now + more, now + now / 2);
  };
  if (!first) {
    values.reserve(grown(values.size(), embeddings.values.size(), values.capacity()));
  }
  ids.reserve(grown(ids.size(), more_ids.size(), ids.capacity()));
  if (directions) {
    inverse_lengths.reserve(grown(ids.size(), more_ids.size(), inverse_lengths.capacity()));
  }
  for (size_t i = 0; directions && i < embeddings.rows; ++i) {
    inverse_lengths.push_back(inverse_length(embeddings.row(i)));
  }
  ids.insert(ids.end(), more_ids.begin(), more_ids.end());
  if (first) {
    values = std::move(embeddings.values);
  } else {
    values.insert(values.end(), embeddings.values.begin(), embeddings.values.end());
  }
}

void IndexRows::fill(const Matrix& embeddings, std::span<const size_t> order) {
  values.clear();
  values.reserve(order.size() * dimension);
  inverse_lengths.clear();
  for (const size_t from : order) {
    const std::span<const float> source = embeddings.row(from);
    values.insert(values.end(), source.begin(), source.end());
    if (energy.kind == EnergyKind::cosine) inverse_lengths.push_back(inverse_length(source));
  }
}

void IndexRows::erase(const std::vector<bool>& marked) {
  size_t kept = 0;
  for (size_t i = 0; i < size(); ++i) {
    if (marked[i]) continue;
    if (kept != i) {
      std::ranges::copy(row(i), values.begin() + static_cast<ptrdiff_t>(kept * dimension));
      ids[kept] = ids[i];
      if (!inverse_lengths.empty()) inverse_lengths[kept] = inverse_lengths[i];
    }
    ++kept;
  }
  ids.resize(kept);
  // What was taken out is not to lie in memory behind the end.
  std::fill(values.begin() + static_cast<ptrdiff_t>(kept * dimension), values.end(), 0.0f);
  values.resize(kept * dimension);
  if (!inverse_lengths.empty()) inverse_lengths.resize(kept);
}

void QuickScore::take(std::span<const float> probe) {
  probe_ = probe;
  if (rows_.energy.kind == EnergyKind::cosine) inverse_length_ = inverse_length(probe);
}

void QuickScore::take_row(size_t i) {
  probe_ = rows_.row(i);
  if (rows_.energy.kind == EnergyKind::cosine) inverse_length_ = rows_.inverse_lengths[i];
}

float QuickScore::operator()(size_t row) const {
  const size_t n = rows_.dimension;
  const float* values = rows_.values.data() + row * n;
  switch (rows_.energy.kind) {
    case EnergyKind::euclidean:
    case EnergyKind::squared_euclidean:
      return squares(probe_.data(), values, n);
    case EnergyKind::manhattan:
      return magnitudes(probe_.data(), values, n);
    case EnergyKind::cosine:
      return 1 - products(probe_.data(), values, n) * inverse_length_ * rows_.inverse_lengths[row];
    case EnergyKind::weighted_l1:
      break;
  }
  return static_cast<float>(energy_of(rows_.energy, probe_, rows_.row(row)));
}

float QuickScore::limit(float score) const {
  if (rows_.energy.kind == EnergyKind::weighted_l1) return score;
  // A sum of n terms in kSums lanes is off by at most n / kSums + 5 roundings, plus three of each
  // term, of the sum of the terms' magnitudes (Higham, "Accuracy and stability of numerical
  // algorithms", 2002, section 4.2); of a cosine this is at most 1, of the others the sum itself.
  // Two scores are off, and two energies rounded: four times that, and more, is beyond doubt.
  const double roundings = static_cast<double>(rows_.dimension) / kSums + 32;
  const double off = 4 * roundings * std::numeric_limits<float>::epsilon();
  const double terms = rows_.energy.kind == EnergyKind::cosine ? 1 : double{score};
  // Squares below the smallest normal number are lost.
  const double lost =
      static_cast<double>(rows_.dimension) * double{std::numeric_limits<float>::min()};
  return static_cast<float>(double{score} + off * terms + 4 * lost);
}

std::vector<Neighbour> rank_rows(const IndexRows& rows, std::span<const float> probe,
                                 std::span<const uint32_t> candidates, size_t k) {
  QuickScore score(rows);
  score.take(probe);
  std::vector<float> scores;
  scores.reserve(candidates.size());
  for (const uint32_t row : candidates) scores.push_back(score(row));
  std::vector<uint32_t> chosen = select(score, scores, k);
  for (uint32_t& row : chosen) row = candidates[row];
  return rank(rows, probe, chosen, k);
}

std::vector<std::vector<Neighbour>> compare_all(const IndexRows& rows, const Matrix& probes,
                                                size_t k, ThreadPool& pool) {
  std::vector<std::vector<Neighbour>> found(probes.rows);
  const size_t n = rows.size();
  if (n == 0 || k == 0) return found;
  // Parts of rows that stay in the second cache while some probes meet them.
  constexpr size_t kPartValues = 32 * 1024, kMostScores = size_t{16} << 20;
  const size_t part_rows = std::max<size_t>(1, kPartValues / rows.dimension);
  const size_t most_probes = std::max<size_t>(1, kMostScores / n);
  std::vector<float> scores(std::min(most_probes, probes.rows) * n);
  for (size_t first = 0; first < probes.rows; first += most_probes) {
    const size_t count = std::min(most_probes, probes.rows - first);
    std::vector<QuickScore> score(count, QuickScore(rows));
    for (size_t p = 0; p < count; ++p) score[p].take(probes.row(first + p));
    pool.parallel_for((n + part_rows - 1) / part_rows, [&](size_t part, size_t) {
      const size_t end = std::min(n, (part + 1) * part_rows);
      for (size_t p = 0; p < count; ++p) {
        for (size_t i = part * part_rows; i < end; ++i) scores[p * n + i] = score[p](i);
      }
    });
    pool.parallel_for(count, [&](size_t p, size_t) {
      const std::span<const float> own = std::span<const float>(scores).subspan(p * n, n);
      const std::vector<uint32_t> candidates = select(score[p], own, k);
      found[first + p] = rank(rows, probes.row(first + p), candidates, k);
    });
  }
  return found;
}

}  // namespace doppel::internal
