// What Clang's -Wthread-safety is told: which mutex guards which member, and which a function needs held.
// `npm run check:native` checks it; other compilers read nothing here. The mutex itself is os/mutex.h.
#pragma once

#if defined(__clang__)
#define PAGEFERRY_ANNOTATE(x) __attribute__((x))
#else
#define PAGEFERRY_ANNOTATE(x)
#endif

// On a class: it is a lock, or it holds one from its construction to its end.
#define CAPABILITY(name) PAGEFERRY_ANNOTATE(capability(name))
#define SCOPED_CAPABILITY PAGEFERRY_ANNOTATE(scoped_lockable)

// On a member: read and written only with the mutex held; or what it points to is.
#define GUARDED_BY(mutex) PAGEFERRY_ANNOTATE(guarded_by(mutex))
#define PT_GUARDED_BY(mutex) PAGEFERRY_ANNOTATE(pt_guarded_by(mutex))

// On a function: it is called with the mutex held; without it; it takes it; it lets it go.
#define REQUIRES(...) PAGEFERRY_ANNOTATE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) PAGEFERRY_ANNOTATE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) PAGEFERRY_ANNOTATE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) PAGEFERRY_ANNOTATE(release_capability(__VA_ARGS__))
