// Helpers for tests that follow what a tracker says. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "region/guest_test_util.h"
#include "tracker/dirty_tracker.h"

namespace pageferry::testing {

// For a tracker that is not expected to fail by itself.
inline void ignore_failure(const Status&) {}

inline Pages harvest_all(DirtyTracker& tracker, const GuestMemory& memory) {
  PageBitmap dirty(memory.page_count());
  const Status status = tracker.harvest(dirty.all(), dirty);
  EXPECT_TRUE(status.ok()) << status.message();
  return pages_of(dirty);
}

inline Pages peek_all(DirtyTracker& tracker, const GuestMemory& memory) {
  PageBitmap dirty(memory.page_count());
  const Status status = tracker.peek(dirty.all(), dirty);
  EXPECT_TRUE(status.ok()) << status.message();
  return pages_of(dirty);
}

// Why this machine cannot run the tracker on this backing; empty when it can. Asks arm and not the
// probe, because the probe calls a tracker that misses writes unavailable, and its tests must fail.
inline std::string why_unavailable(TrackerKind kind, Backing backing) {
  const TestGuest guest = make_guest(backing, {1});
  auto tracker = make_tracker(kind, guest.memory, ignore_failure);
  if (!tracker.ok()) return "";
  const Status status = tracker.value()->arm();
  const bool lacking =
      status.code() == StatusCode::kUnsupported || status.code() == StatusCode::kNoPermission;
  return lacking ? status.message() : "";
}

}  // namespace pageferry::testing
