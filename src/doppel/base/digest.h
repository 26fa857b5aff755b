// Digests of bytes, through libsodium: name pictures, data sets and models by their content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace doppel::internal {

// SHA-256 (FIPS 180-4). Adds bytes piece by piece, then gives the digest once as 64 hexadecimal
// digits.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void add(std::string_view bytes);
  void add_number(uint64_t number);  // as eight bytes, the lowest first
  std::string hex();                 // ends the digest: nothing may be added afterwards

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);

// The same by BLAKE2b with 32 bytes of output (RFC 7693): four times as fast, for what is digested
// at every start of the program.
class Blake2b {
 public:
  Blake2b();
  ~Blake2b();
  Blake2b(Blake2b&&) noexcept;
  Blake2b& operator=(Blake2b&&) noexcept;

  void add(std::string_view bytes);
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether `text` looks like a digest: 64 digits, 0-9 and a-f.
bool is_digest_hex(std::string_view text);

}  // namespace doppel::internal
