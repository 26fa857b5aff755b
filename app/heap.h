// The program's memory, arranged before it is used.
#pragma once

namespace doppel::internal::app {

// Keeps memory that was freed, and takes it in large pages where the system has them: a model that
// is read, and the networks made of it, are gone before small pages would have been worth their
// faults.
void arrange_heap();

}  // namespace doppel::internal::app
