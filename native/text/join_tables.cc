#include "text/join_tables.h"

#include <stdexcept>

namespace millrace {

PostingTable::List& PostingTable::claim(std::vector<List>* lists, size_t* used, uint64_t key) {
  size_t at = find(*lists, key);
  if ((*lists)[at].used != 0) return (*lists)[at];
  if ((*used + 1) * 2 > lists->size()) {
    std::vector<List> old(lists->size() * 2, List{});
    old.swap(*lists);
    for (const List& list : old) {
      if (list.used != 0) (*lists)[find(*lists, list.key)] = list;
    }
    at = find(*lists, key);
  }
  ++*used;
  (*lists)[at].key = key;
  return (*lists)[at];
}

uint32_t PostingTable::take_room(uint32_t size) {
  std::vector<uint32_t>& left = free_rooms_[static_cast<size_t>(std::countr_zero(size))];
  if (!left.empty()) {
    const uint32_t room = left.back();
    left.pop_back();
    return room;
  }
  const size_t room = cells_.size();
  if (room + size > UINT32_MAX) throw std::length_error("expected fewer than 2^32 postings in a join");
  cells_.resize(room + size);
  return static_cast<uint32_t>(room);
}

void PostingTable::append(List* list, Posting posting) {
  const uint32_t used = list->used;
  if (used == 0) {
    list->begin = take_room(kFirstRoom);
  } else if (used >= kFirstRoom && std::has_single_bit(used)) {
    const uint32_t room = take_room(2 * used);
    std::copy_n(cells_.begin() + list->begin, used, cells_.begin() + room);
    free_rooms_[static_cast<size_t>(std::countr_zero(used))].push_back(list->begin);
    list->begin = room;
  }
  cells_[list->begin + used] = posting;
  ++list->used;
}

void PostingTable::add(uint64_t shingle, uint32_t size_class, uint32_t entry, uint32_t position) {
  List& list = claim(&lists_, &used_lists_, shingle);
  if (list.used < kShort) {
    append(&list, {entry, position});
    return;
  }
  list.classes |= uint64_t{1} << (size_class & 63);
  append(&claim(&class_lists_, &used_class_lists_, key_of(shingle, size_class)), {entry, position});
}

uint64_t PostingTable::bytes_to_add(uint64_t count) const {
  const auto list_bytes = [count](const std::vector<List>& lists, size_t used) -> uint64_t {
    size_t size = lists.size();
    while ((used + count) * 2 > size) size *= 2;
    return size == lists.size() ? 0 : size * sizeof(List);
  };
  uint64_t bytes = list_bytes(lists_, used_lists_) + list_bytes(class_lists_, used_class_lists_);
  // About: most begin a list or find room in one; what a list moves to was paid for by its length.
  const uint64_t cells = cells_.size() + count * kFirstRoom;
  if (cells > cells_.capacity()) bytes += std::max<uint64_t>(2 * cells_.capacity(), cells) * sizeof(Posting);
  return bytes;
}

}  // namespace millrace
