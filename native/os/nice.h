// How much a thread gives way to others of its session and control group.
//
// Thread contract: any thread, for itself.
#pragma once

namespace pageferry {

// From here on the calling thread has this nice value, 0 to 19, unless it had a higher one. A thread of nice n that
// wants a core beside one of nice 0 gets a share of about 1 ÷ (1 + 1.25ⁿ) of it (Linux, kernel/sched/core.c,
// sched_prio_to_weight). Without effect where the kernel refuses, which it does not for a value that is no lower.
void be_nice(int nice);

}  // namespace pageferry
