// For tests: zip archives of stored files, honest and forged.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace doppel::internal {

struct ZipFile {
  std::string name;
  std::string bytes;
  uint32_t mode = 0100644;         // of Unix: 0120777 is a link, 0040755 a folder
  uint16_t flags = 0;              // 1 encrypted, 0x800 a name in UTF-8
  uint16_t method = 0;             // 0 stored; others without their compression
  int size_lie = 0, sum_lie = 0;   // added to the sizes and to the sum that are told
  bool lie_in_table_only = false;  // else in front of the file's bytes, too
};

inline uint32_t zip_sum(std::string_view bytes) {  // CRC-32
  uint32_t sum = ~0u;
  for (const char c : bytes) {
    sum ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0u);
  }
  return ~sum;
}

inline std::string zip_bytes(const std::vector<ZipFile>& files) {
  std::string out, table;
  const auto put = [](std::string& to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> 8 * i & 255);
  };
  for (const ZipFile& file : files) {
    const size_t start = out.size();
    const auto details = [&](std::string& to, bool lie) {
      put(to, 20, 2);
      put(to, file.flags, 2);
      put(to, file.method, 2);
      put(to, 0x58210000, 4);  // 2024-01-01
      put(to, zip_sum(file.bytes) + static_cast<uint32_t>(lie ? file.sum_lie : 0), 4);
      const size_t size = file.bytes.size() + static_cast<size_t>(lie ? file.size_lie : 0);
      put(to, size, 4);
      put(to, size, 4);
      put(to, file.name.size(), 2);
      put(to, 0, 2);
    };
    out += "PK\3\4";
    details(out, !file.lie_in_table_only);
    out += file.name + file.bytes;
    table += "PK\1\2";
    put(table, 3 << 8 | 20, 2);  // made on Unix
    details(table, true);
    put(table, 0, 6);
    put(table, uint64_t{file.mode} << 16, 4);
    put(table, start, 4);
    table += file.name;
  }
  const size_t start = out.size();
  out += table + "PK\5\6";
  put(out, 0, 4);
  put(out, files.size(), 2);
  put(out, files.size(), 2);
  put(out, table.size(), 4);
  put(out, start, 4);
  put(out, 0, 2);
  return out;
}

}  // namespace doppel::internal
