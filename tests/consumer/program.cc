#include <cstdio>

extern "C" const char* check(const char* model, const char* photo, const char* another,
                             const char* damaged);

int main(int, char** arguments) {
  const char* const found = check(arguments[1], arguments[2], arguments[3], arguments[4]);
  std::printf("program: %s\n", *found != '\0' ? found : "good");
  return *found != '\0';
}
