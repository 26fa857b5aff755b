// SHA-256 of bytes (FIPS 180-4, through libsodium): names data sets and models by their content.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace doppel {

// Adds bytes piece by piece, then gives the digest once as 64 hexadecimal digits.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void add(std::string_view bytes);
  std::string hex();  // ends the digest: nothing may be added afterwards

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);

// Whether `text` looks like one: 64 digits, 0-9 and a-f.
bool is_sha256_hex(std::string_view text);

}  // namespace doppel
