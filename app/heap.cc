#include "heap.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdlib>

#include "doppel/base/large_pages.h"

namespace doppel::internal::app {

void arrange_heap() {
  constexpr int kMegabyte = 1 << 20, kBegin = 32 * kMegabyte;
  mallopt(M_TOP_PAD, kBegin);
  mallopt(M_TRIM_THRESHOLD, 4 * kBegin);
  mallopt(M_MMAP_THRESHOLD, 8 * kMegabyte);
  void* volatile first = std::malloc(kMegabyte);  // as nobody uses it, it would be left out
  std::free(first);
  prefer_large_pages(static_cast<char*>(sbrk(0)) - kBegin, kBegin);
}

}  // namespace doppel::internal::app
