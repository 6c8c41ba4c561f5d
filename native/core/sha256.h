// SHA-256 (FIPS 180-4), streaming.
#pragma once
#include <cstdint>

namespace flow {

class Sha256 {
 public:
  Sha256();
  void update(const void* bytes, int64_t count);
  void finish(uint8_t digest[32]);

 private:
  void block(const uint8_t* p);
  uint32_t h_[8];
  uint64_t total_ = 0;
  uint8_t pending_[64];
  uint32_t held_ = 0;
};

// 64 lower-case hex digits and a final zero.
void hex_digest(const uint8_t digest[32], char text[65]);

}  // namespace flow
