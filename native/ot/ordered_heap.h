// A binary heap of ids in [0, n) by key, each at most once, keys may fall. Ties go to the lower id, so that the order does not depend on history.
#pragma once
#include "core/buffer.h"

namespace flow {

class OrderedHeap {
 public:
  Status init(int32_t ids) {
    FLOW_TRY(key_.allocate(ids));
    FLOW_TRY(id_.allocate(ids));
    return place_.allocate(ids);
  }
  void clear() {
    for (int32_t at = 0; at < count_; ++at) place_[id_[at]] = 0;
    count_ = 0;
  }
  bool empty() const { return count_ == 0; }
  int64_t least_key() const { return key_[id_[0]]; }
  // Inserts, or lowers the key of one inside.
  void put(int32_t id, int64_t key) {
    key_[id] = key;
    rise(place_[id] > 0 ? place_[id] - 1 : count_++, id);
  }
  int32_t take() {
    const int32_t id = id_[0], last = id_[--count_];
    place_[id] = 0;
    if (count_ > 0) sink(last);
    return id;
  }

 private:
  bool before(int32_t a, int32_t b) const { return key_[a] < key_[b] || (key_[a] == key_[b] && a < b); }
  void set(int32_t at, int32_t id) {
    id_[at] = id;
    place_[id] = at + 1;
  }
  void rise(int32_t at, int32_t id) {
    for (; at > 0 && before(id, id_[(at - 1) / 2]); at = (at - 1) / 2) set(at, id_[(at - 1) / 2]);
    set(at, id);
  }
  void sink(int32_t id) {
    int32_t at = 0;
    for (;;) {
      int32_t child = 2 * at + 1;
      if (child >= count_) break;
      if (child + 1 < count_ && before(id_[child + 1], id_[child])) ++child;
      if (!before(id_[child], id)) break;
      set(at, id_[child]);
      at = child;
    }
    set(at, id);
  }

  int32_t count_ = 0;
  Buffer<int64_t> key_;         // by id
  Buffer<int32_t> id_, place_;  // by place; by id, 0 = not inside, else place + 1
};

}  // namespace flow
