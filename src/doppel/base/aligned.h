// An array that begins on a cache line, as vector loads and stores want it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace doppel::internal {

// `size` zeros of a plain type, aligned to 64 bytes and followed by 64 readable bytes. A large
// array takes memory only as it is written to.
template <typename T>
class AlignedArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t size)
      : size_(size), memory_(std::calloc(size * sizeof(T) + 2 * kAlignment, 1)) {
    if (!memory_) throw std::bad_alloc();
    const auto address = reinterpret_cast<uintptr_t>(memory_.get());
    offset_ = (kAlignment - address % kAlignment) % kAlignment;
  }

  size_t size() const { return size_; }
  T* data() { return reinterpret_cast<T*>(static_cast<char*>(memory_.get()) + offset_); }
  const T* data() const {
    return reinterpret_cast<const T*>(static_cast<const char*>(memory_.get()) + offset_);
  }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }

 private:
  static constexpr size_t kAlignment = 64;
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  size_t size_ = 0, offset_ = 0;
  std::unique_ptr<void, Free> memory_;
};

}  // namespace doppel::internal
