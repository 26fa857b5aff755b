// Memory that is filled from end to end, in pages of megabytes where the system has them: each
// fault of a small page costs more than the page's bytes take to write.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace doppel::internal {

// Asks the system for pages of 2 MB within these bytes, which makes access at random faster. Where
// it has none, nothing else changes.
inline void prefer_large_pages(void* begin, size_t bytes) {
  constexpr size_t kLargePage = size_t{2} << 20;
  const size_t before = (kLargePage - reinterpret_cast<uintptr_t>(begin) % kLargePage) % kLargePage;
  if (before + kLargePage > bytes) return;
  madvise(static_cast<char*>(begin) + before, (bytes - before) / kLargePage * kLargePage,
          MADV_HUGEPAGE);
}

// Room for `size` values in `values`, which is empty.
template <typename T>
void reserve_large_pages(std::vector<T>& values, size_t size) {
  values.reserve(size);
  prefer_large_pages(values.data(), size * sizeof(T));
}

}  // namespace doppel::internal
