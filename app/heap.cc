#include "heap.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace doppel::app {

void arrange_heap() {
  constexpr int kMegabyte = 1 << 20, kBegin = 32 * kMegabyte;
  constexpr uintptr_t kLargePage = 2 * kMegabyte;
  mallopt(M_TOP_PAD, kBegin);
  mallopt(M_TRIM_THRESHOLD, 4 * kBegin);
  mallopt(M_MMAP_THRESHOLD, 8 * kMegabyte);
  void* volatile first = std::malloc(kMegabyte);  // as nobody uses it, it would be left out
  std::free(first);
  const auto end = reinterpret_cast<uintptr_t>(sbrk(0)) / kLargePage * kLargePage;
  const uintptr_t begin = end - kBegin + kLargePage;
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

}  // namespace doppel::app
