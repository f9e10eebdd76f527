// Initial contents taken from outside: a file, an image, or the memory of a running process.
//
// Thread contract: call from any one thread per memory.
#pragma once

#include <string>

#include "image/image_file.h"
#include "os/status.h"
#include "region/guest_memory.h"

namespace pageferry {

// Each call fills `range` of the memory through the engine mapping and answers a sentence that says
// with what.

// The file's bytes, repeated or cut to the size of the range. A regular file of at least one byte.
Result<std::string> fill_from_file(const GuestMemory& memory, PageRange range,
                                   const std::string& path);

// The pages that are resident in the process, in address order, repeated or cut. The process keeps
// running: pages that vanish meanwhile, or that the kernel does not let anyone read, are left out.
Result<std::string> fill_from_process(const GuestMemory& memory, PageRange range, int pid);

// The pages of the image's first snapshot, repeated or cut. Its contents have been checked.
Result<std::string> fill_from_image(const GuestMemory& memory, PageRange range,
                                    const ImageFile& image);

}  // namespace pageferry
