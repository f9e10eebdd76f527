#include "workload/page_content.h"

#include <algorithm>
#include <cstring>

#include "workload/guest_words.h"
#include "workload/rng.h"

namespace pageferry {

namespace {

// At a fixed width, so that appending one is a copy of a constant size.
struct Word {
  char text[16];
  std::size_t bytes;
  // Implicit, so that the table below is a list of words. NOLINTNEXTLINE(google-explicit-constructor)
  consteval Word(const char* word) : text{}, bytes(0) {
    for (; word[bytes] != 0; ++bytes) text[bytes] = word[bytes];
  }
};

// The commonest first: low indices are drawn more often.
constexpr Word kDictionary[128] = {
    "the",      "of",        "and",       "to",        "a",        "in",       "that",
    "was",      "it",        "for",       "with",      "as",       "his",      "on",
    "at",       "by",        "from",      "they",      "this",     "had",      "not",
    "but",      "what",      "all",       "were",      "when",     "we",       "there",
    "can",      "an",        "your",      "which",     "their",    "said",     "if",
    "will",     "each",      "about",     "how",       "up",       "out",      "them",
    "then",     "she",       "many",      "some",      "these",    "would",    "other",
    "into",     "more",      "two",       "time",      "like",     "river",    "long",
    "make",     "thing",     "look",      "day",       "number",   "sound",    "people",
    "water",    "first",     "down",      "side",      "been",     "call",     "who",
    "harbour",  "find",      "ferry",     "crossing",  "morning",  "captain",  "weather",
    "island",   "passenger", "lantern",   "current",   "quiet",    "northern", "against",
    "between",  "thousand",  "because",   "children",  "mountain", "remember", "window",
    "question", "together",  "letter",    "village",   "evening",  "measure",  "language",
    "machine",  "pattern",   "distance",  "surface",   "memory",   "migrate",  "arrival",
    "journey",  "engine",    "signal",    "bridge",    "compass",  "drifting", "anchor",
    "gathered", "promise",   "yesterday", "silver",    "beneath",  "wander",   "storehouse",
    "bargain",  "ledger",    "merchant",  "tidewater", "horizon",  "fathom",   "outward",
    "landing",  "keel"};

// What comes after a word: mostly a space.
constexpr Word kPauses[16] = {".\n", ", ", " ", " ", " ", " ", " ", " ",
                              " ",   " ",  " ", " ", " ", " ", " ", " "};

void render_random(Rng rng, std::byte* out) {
  for (std::size_t at = 0; at < kPageBytes; at += kWordBytes) store_word(out + at, rng.next());
}

void render_text(Rng rng, std::byte* out) {
  // Room for the last words to run over the page's end.
  std::byte page[kPageBytes + 2 * sizeof(Word::text)];
  std::size_t at = 0;
  const auto append = [&](const Word& word) {
    std::memcpy(page + at, word.text, sizeof word.text);
    at += word.bytes;
  };
  while (at < kPageBytes) {
    const std::uint64_t random = rng.next();
    // The smaller of two draws favours the common words, as prose does.
    append(kDictionary[std::min(random & 127, (random >> 7) & 127)]);
    append(kPauses[(random >> 14) & 15]);
  }
  std::memcpy(out, page, kPageBytes);
}

}  // namespace

void render_page(FillKind fill, std::uint64_t seed, PageIndex page, std::byte* out) {
  const Rng rng(mix64(mix64(seed) ^ page * 0xd1342543de82ef95));
  switch (fill) {
    case FillKind::kRandom:
      return render_random(rng, out);
    case FillKind::kText:
      return render_text(rng, out);
    case FillKind::kZero:
    case FillKind::kFile:
    case FillKind::kProcess:
    case FillKind::kImage:
      std::memset(out, 0, kPageBytes);
  }
}

}  // namespace pageferry
