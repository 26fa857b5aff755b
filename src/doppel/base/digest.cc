#include "doppel/base/digest.h"

#include <sodium.h>

#include <array>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

constexpr size_t kDigestSize = 32;  // bytes

std::string hex_of(const std::array<unsigned char, kDigestSize>& digest) {
  std::string text;
  for (unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

struct Sha256::State {
  crypto_hash_sha256_state sodium;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { crypto_hash_sha256_init(&state_->sodium); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::string_view bytes) {
  crypto_hash_sha256_update(&state_->sodium, data_of(bytes), bytes.size());
}

void Sha256::add_number(uint64_t number) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (8 * i) & 255);
  add({bytes, 8});
}

std::string Sha256::hex() {
  std::array<unsigned char, kDigestSize> digest{};
  crypto_hash_sha256_final(&state_->sodium, digest.data());
  return hex_of(digest);
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.add(bytes);
  return digest.hex();
}

struct Blake2b::State {
  crypto_generichash_state sodium;
};

Blake2b::Blake2b() : state_(std::make_unique<State>()) {
  // Chooses the implementation for this processor; more than once does no harm.
  if (sodium_init() < 0) throw Error(ErrorKind::io, "libsodium cannot be used");
  crypto_generichash_init(&state_->sodium, nullptr, 0, kDigestSize);
}
Blake2b::~Blake2b() = default;
Blake2b::Blake2b(Blake2b&&) noexcept = default;
Blake2b& Blake2b::operator=(Blake2b&&) noexcept = default;

void Blake2b::add(std::string_view bytes) {
  crypto_generichash_update(&state_->sodium, data_of(bytes), bytes.size());
}

std::string Blake2b::hex() {
  std::array<unsigned char, kDigestSize> digest{};
  crypto_generichash_final(&state_->sodium, digest.data(), digest.size());
  return hex_of(digest);
}

bool is_digest_hex(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace doppel::internal
