// What a native operation answers: success, or a code, a sentence and the errno behind it. Where one code stands
// for several causes that call for different remedies, a reason tells them apart.
//
// Nothing below native/napi throws. A Status is a value; it may be copied to any thread.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace pageferry {

enum class StatusCode {
  kOk,
  kInvalidArgument,  // The caller broke the contract of the call.
  kUnsupported,      // This kernel or this backing does not offer it.
  kNoPermission,     // The kernel offers it, but not to this user.
  kNoMemory,
  kSystem,      // A system call failed for another reason; see system_error().
  kCancelled,   // cancel() or close() ended it.
  kTimedOut,    // Nothing moved for the whole stall timeout.
  kBusy,        // The other side takes no more work now.
  kExists,      // The other side has one of that name.
  kPeerClosed,  // The other side closed or reset the connection.
  kProtocol,    // The other side sent something that docs/protocol.md forbids.
  kUntrusted,   // One side's certificate or key does not satisfy the other; see reason().
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message, int system_error = 0)
      : code_(code), system_error_(system_error), message_(std::move(message)) {}

  // The Status for a failed system call: `what` names the call and its object.
  static Status from_errno(std::string what, int system_error = errno);

  // The same with a reason. It is not copied: give a literal.
  Status because(std::string_view reason) const {
    Status status = *this;
    status.reason_ = reason;
    return status;
  }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  int system_error() const { return system_error_; }
  const std::string& message() const { return message_; }
  // A stable word such as "certificate-expired"; empty where the code says enough.
  std::string_view reason() const { return reason_; }

 private:
  StatusCode code_ = StatusCode::kOk;
  int system_error_ = 0;
  std::string message_;
  std::string_view reason_;
};

// A value or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  // Implicit, so that a function returns the one or the other and nothing else.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {}

  bool ok() const { return state_.index() == 0; }
  T& value() { return std::get<0>(state_); }
  const T& value() const { return std::get<0>(state_); }
  Status status() const { return ok() ? Status() : std::get<1>(state_); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace pageferry
