// Part of every side library: of which version of ours it is. side_library.cc asks.
extern "C" __attribute__((visibility("default"))) const char* doppel_side_library_version();

const char* doppel_side_library_version() { return DOPPEL_VERSION; }
