// Pages into records: what is zero, what repeats one word, what is encoded with others of its stripe, what goes as it is.
//
// Pages are gathered in lanes, one for each encoding, each with a record of its own: a record's entries ascend and do
// not lie within one another, and the pages of two lanes lie between each other. A page is copied into its lane before
// anything is done with it, because the guest may be writing it: what is encoded is what is kept as its version, and what
// an encoder reads twice must not change between. Only a page of which no version is kept may leave from the guest's
// memory itself.
//
// Thread contract: one thread at a time. It keeps its buffers from call to call.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

#include "codec/block_codec.h"
#include "os/status.h"
#include "send/class_stats.h"
#include "send/source_pages.h"
#include "wire/record_writer.h"

namespace pageferry {

// Which of the two waits for the other.
enum class Slower : std::uint8_t {
  kUnknown,  // no queue lies between them
  kLink,
  kEncoders,
};

// Where records go that are full.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  // Takes what the record holds; it is empty on return, and on failure too.
  virtual Status take(RecordWriter& record) = 0;
  // A record is passed on once it holds so many bytes of payload.
  virtual std::uint64_t batch_bytes() const = 0;
  virtual Slower slower() const = 0;
};

// What may be done with pages.
enum class Use : std::uint8_t {
  kFirst,  // the guest runs, waits for none of them, and nothing of it was sent before
  kLive,   // the same, and what comes again is worth a version: it belongs to the working set
  kFinal,  // the guest is paused
  kPush,  // the guest runs at the other end, and may wait for them: none has a base there, and no version is looked at
};

class PageEncoder {
 public:
  explicit PageEncoder(SourcePages& pages);
  ~PageEncoder();
  PageEncoder(const PageEncoder&) = delete;
  PageEncoder& operator=(const PageEncoder&) = delete;

  // Makes what a push may need, whatever its rung is: a push begins when the guest was given up, and must not fail then
  // for memory that is not there.
  void prepare_for_push();
  // What comes until flush() goes to this sink.
  void begin(RecordSink& sink, Use use);
  // Pages of one stripe ascend. `comes_again`: the guest has written the page since it was harvested, so it will be sent
  // once more. On failure the sink's reason; the encoder is of no further use.
  Status add_page(const Region& region, PageIndex page, bool comes_again);
  // This page comes next. A page and its version lie in memory that nobody has looked at for long, and a processor reads
  // ahead within a page alone.
  void prefetch(PageIndex page) const;
  // A run that is in the residual set, as far as it is in `missing`; it is of one stripe.
  Status add_missing(PageRange run, const PageBitmap& missing);
  // Everything that was added is in the sink on return.
  Status flush();

  // A page whose version would be kept and is not: then it is worth sending even while the guest writes it.
  bool lacks_version(PageIndex page) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Lane;

  Status add_raw(const Region& region, PageIndex page, const std::byte* data);
  Status gather(Lane& lane, const Region& region, PageIndex page, const std::byte* data,
                const std::byte* base, bool comes_again);
  Status encode(Lane& lane);
  bool add_encoded(Lane& lane, std::span<std::byte> room, std::uint64_t head);
  void add_as_they_are(Lane& lane);
  Status make_room(RecordWriter& record, std::uint64_t bytes, std::size_t entries);
  Status pass_on(RecordWriter& record);
  Lane& lane_of(Encoding encoding);
  Lane& delta_lane(Deltas deltas, const std::byte* page, const std::byte* base);
  Lane& copied_lane();
  bool keeps_versions(const Lane& lane) const;
  void forget_version(PageIndex page);
  Rung rung() const;
  Deltas deltas() const;
  Encoding encoding_for(const Rung& rung, const std::byte* page) const;
  void count(std::uint8_t content, std::uint64_t pages, std::uint64_t bytes_out,
             Clock::duration took);

  SourcePages& pages_;
  RecordSink* sink_ = nullptr;
  Use use_ = Use::kLive;
  RecordWriter direct_;  // zero, fill, missing, and pages that leave from the guest's memory
  // By the number of the encoding; the first is for pages that are copied and sent as they are.
  std::array<std::unique_ptr<Lane>, 10> lanes_;
  VersionReader reader_;
  std::unique_ptr<std::byte[]> again_;  // a block whose delta was no gain
  ClassStats stats_;                    // that are not in the totals yet
};

}  // namespace pageferry
