#include "bench/served_load.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "bench/comparison.h"
#include "doppel/base/file.h"
#include "doppel/error.h"

namespace doppel::internal {
namespace {

// Each request a form with the next of the pictures; in the end what wrk has counted.
constexpr const char* kLoadScript = R"lua(
local bodies = {}
for file in io.lines(os.getenv("DOPPEL_BENCH_FILES")) do
  local stream = io.open(file, "rb")
  bodies[#bodies + 1] = "--edge\r\nContent-Disposition: form-data; name=\"file\"; " ..
    "filename=\"a.pgm\"\r\n\r\n" .. stream:read("*a") .. "\r\n--edge--\r\n"
  stream:close()
end
local headers = {["Content-Type"] = "multipart/form-data; boundary=edge"}
local requests = {}
function init()
  for i, body in ipairs(bodies) do
    requests[i] = wrk.format("POST", "/api/v1/recognition/recognize", headers, body)
  end
end
local next_one = 0
function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("\nRESULT %d %d %d %d %d %d\n", summary.requests, summary.duration,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
)lua";

}  // namespace

std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw Error(ErrorKind::io, command + ": cannot be run");
  std::string out;
  std::array<char, 4096> part;
  while (const size_t n = fread(part.data(), 1, part.size(), pipe)) out.append(part.data(), n);
  if (pclose(pipe) != 0) throw Error(ErrorKind::io, command + ": it failed");
  return out;
}

Serving::Serving(const LargeGallery& world) {
  const std::string errors = world.path("serve.err"), gallery = world.gallery_file();
  process_ = fork();
  if (process_ == 0) {
    const int null = open("/dev/null", O_WRONLY);
    const int said = open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(null, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    execl(DOPPEL_PROGRAM, DOPPEL_PROGRAM, "serve", gallery.c_str(), "--port", "0", nullptr);
    _exit(127);
  }
  const std::string before = "http://127.0.0.1:";
  for (const Clock::time_point start = Clock::now(); seconds_since(start) < 30;) {
    std::ifstream stream(errors);
    const std::string said{std::istreambuf_iterator<char>(stream), {}};
    if (said.find("Ctrl-C") != std::string::npos) {
      port_ = std::stoi(said.substr(said.find(before) + before.size()));
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  throw Error(ErrorKind::io, "doppel serve does not start");
}

Serving::~Serving() {
  kill(process_, SIGTERM);
  waitpid(process_, nullptr, 0);
}

LoadMaker::LoadMaker(const LargeGallery& world)
    : files_(world.path("files")), script_(world.path("load.lua")) {
  std::string list;
  for (const std::string& file : world.files()) list += file + "\n";
  write_file_atomically(files_, list);
  write_file_atomically(script_, kLoadScript);
}

Load LoadMaker::run(const Serving& serving, int clients, int seconds) const {
  const std::string out =
      output_of("DOPPEL_BENCH_FILES=" + files_ + " wrk -t1 -c" + std::to_string(clients) + " -d" +
                std::to_string(seconds) + "s --timeout 30s -s " + script_ + " " + serving.url("/"));
  const size_t at = out.find("RESULT ");
  unsigned long long requests = 0, microseconds = 0, refused = 0, broken = 0, p50 = 0, p99 = 0;
  if (at == std::string::npos ||
      std::sscanf(out.c_str() + at, "RESULT %llu %llu %llu %llu %llu %llu", &requests,
                  &microseconds, &refused, &broken, &p50, &p99) != 6) {
    throw Error(ErrorKind::io, "wrk: " + out);
  }
  const double time = static_cast<double>(microseconds) / 1e6;
  return {static_cast<double>(requests - refused) / time,
          static_cast<double>(refused) / time,
          static_cast<double>(p50) / 1e3,
          static_cast<double>(p99) / 1e3,
          requests,
          broken};
}

}  // namespace doppel::internal
