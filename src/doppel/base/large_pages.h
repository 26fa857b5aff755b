// Memory that is filled from end to end, in pages of megabytes where the system has them: each
// fault of a small page costs more than the page's bytes take to write.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace doppel {

// Room for `size` values in `values`, which is empty. A wish: where it cannot be granted nothing is
// different but the time.
template <typename T>
void reserve_large_pages(std::vector<T>& values, size_t size) {
  constexpr uintptr_t kLargePage = uintptr_t{2} << 20;
  values.reserve(size);
  const auto begin = reinterpret_cast<uintptr_t>(values.data());
  const uintptr_t first = (begin + kLargePage - 1) / kLargePage * kLargePage;
  const uintptr_t end = (begin + size * sizeof(T)) / kLargePage * kLargePage;
  if (first < end) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
}

}  // namespace doppel
