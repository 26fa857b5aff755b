// An array that begins on a cache line, as vector loads and stores want it.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace doppel {

// `size` zeros of a plain type, aligned to 64 bytes and followed by 64 readable bytes. Large arrays
// ask the kernel for huge pages: a training walks through all of its activations in every step, and
// with small pages spends a tenth of its time on finding them.
template <typename T>
class AlignedArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t size) : size_(size) {
    constexpr size_t kHugePage = size_t{2} << 20;
    size_t bytes = (size * sizeof(T) + 127) / 64 * 64;
    const bool large = bytes >= kHugePage / 2;
    if (large) bytes = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    data_.reset(static_cast<T*>(std::aligned_alloc(large ? kHugePage : 64, bytes)));
    if (!data_) throw std::bad_alloc();
    if (large) ::madvise(data_.get(), bytes, MADV_HUGEPAGE);  // a wish: it may fail
    std::fill_n(reinterpret_cast<unsigned char*>(data_.get()), bytes,
                static_cast<unsigned char>(0));
  }

  size_t size() const { return size_; }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](size_t i) { return data_.get()[i]; }
  const T& operator[](size_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* data) const { std::free(data); }
  };
  size_t size_ = 0;
  std::unique_ptr<T, Free> data_;
};

}  // namespace doppel
