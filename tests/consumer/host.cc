// Loads the shared library, as an interpreter does with its modules.
#include <dlfcn.h>

#include <cstdio>

int main(int, char** arguments) {
  void* const library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::printf("host: %s\n", dlerror());
    return 1;
  }
  using Check = const char* (*)(const char*, const char*, const char*, const char*);
  const auto check = reinterpret_cast<Check>(dlsym(library, "check"));
  const char* const found = check(arguments[2], arguments[3], arguments[4], arguments[5]);
  std::printf("host: %s\n", *found != '\0' ? found : "good");
  return *found != '\0';
}
