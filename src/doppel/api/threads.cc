#include "doppel/threads.h"

#include "doppel/base/shared_pool.h"

namespace doppel {

void set_threads(int threads) { internal::set_shared_threads(threads); }

}  // namespace doppel
