#include "program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "doppel/base/file.h"

namespace doppel::internal {

namespace fs = std::filesystem;

Running::Running(const fs::path& folder, const std::vector<std::string>& arguments,
                 const std::string& environment) {
  // Of each its own: several may run at a time.
  static int started = 0;
  const std::string number = std::to_string(++started);
  out_ = folder / (".out" + number);
  err_ = folder / (".err" + number);
  std::vector<std::string> words = {DOPPEL_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  const auto redirect = [](const fs::path& to, int fd) {
    const int file = open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, fd);
  };
  redirect(out_, STDOUT_FILENO);
  redirect(err_, STDERR_FILENO);
  unsetenv("DOPPEL_DATA");
  unsetenv("DOPPEL_SIMD");
  setenv("DOPPEL_NETWORKS", "/nonexistent", 1);  // whatever this machine has
  const size_t equals = environment.find('=');
  if (equals != std::string::npos) {
    setenv(environment.substr(0, equals).c_str(), environment.c_str() + equals + 1, 1);
  }
  if (chdir(folder.c_str()) != 0) _exit(99);
  execv(argv[0], argv.data());
  _exit(98);
}

Running::~Running() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

void Running::signal(int number) const { kill(pid_, number); }

Finished Running::wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  constexpr size_t kMost = size_t{64} << 20;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out_, kMost),
          read_file(err_, kMost)};
}

std::string Running::errors_so_far() const { return read_file(err_, 1 << 20); }

bool Running::holds(const fs::path& file, const std::string& text,
                    std::chrono::seconds patience) const {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < end) {
    if (fs::exists(file) && read_file(file, 1 << 20).find(text) != std::string::npos) return true;
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid != 0) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

void ProgramTest::SetUp() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  folder_ = fs::path(testing::TempDir()) /
            (std::string("doppel_program_") + test->test_suite_name() + "_" + test->name());
  fs::remove_all(folder_);
  fs::create_directories(folder_);
}

void ProgramTest::TearDown() { fs::remove_all(folder_); }

Finished ProgramTest::run(const std::vector<std::string>& arguments,
                          const std::string& environment) const {
  return Running(folder_, arguments, environment).wait();
}

void ProgramTest::train_briefly(const std::string& which) const {
  const fs::path program = DOPPEL_PROGRAM;
  const auto built = fs::last_write_time(program).time_since_epoch().count();
  const fs::path shared = program.parent_path() / "test_models" /
                          (which + "_" + std::to_string(built) + ".safetensors");
  if (!fs::exists(shared)) {
    const Finished trained = run({"train", "faces", "--out", "m.safetensors", "--set",
                                  "training.members=1", "--set", "training.steps=120"});
    ASSERT_EQ(trained.code, 0) << trained.err;
    fs::create_directories(shared.parent_path());
    write_file_atomically(shared, read_file(folder_ / "m.safetensors", size_t{1} << 30));
    return;
  }
  fs::copy_file(shared, folder_ / "m.safetensors");
}

fs::path ProgramTest::att_faces() {
  const char* given = std::getenv("DOPPEL_DATA");
  const fs::path faces = fs::absolute(
      fs::path(given != nullptr && *given != '\0' ? given : "../shared/data") / "att_faces");
  return fs::is_directory(faces) ? faces : fs::path();
}

}  // namespace doppel::internal
