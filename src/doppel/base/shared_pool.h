// The threads that all callers of the public interface share.
#pragma once

#include <memory>

#include "doppel/base/thread_pool.h"

namespace doppel::internal {

// Made when it is first asked for. Whoever works with it for long keeps the pointer.
std::shared_ptr<ThreadPool> shared_pool();

// How many threads shared_pool() has from its next call on; 0: one for each processor. Who holds
// the former pool keeps it. Throws Error(bad_argument) for fewer than 0 or more than 1024.
void set_shared_threads(int threads);

}  // namespace doppel::internal
