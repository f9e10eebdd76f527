// Post-copy of one page, by hand: a thread runs here on memory that is still in another process.
//
//   cc -Wall -Wextra -O2 -pthread examples/one-page.c -o one-page && ./one-page
//
// Two processes take part: the source holds the pages, the destination has mapped as much memory and
// holds none of them. In the destination run two threads:
//
//   guest           reads a page that is not there, and so stops in the middle of an instruction
//   fault handler   is told by the kernel, asks the source for the page and installs it
//
// Any user may run this, on Linux 5.11 or later. docs/userfaultfd.md explains the rest.
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, PAGES = 8, WANTED = 5 };

struct destination {
  char* memory;  // where the guest runs
  int uffd;      // tells of its faults, and installs pages
  int source;    // a socket to the process that has the pages
};

// Anonymous memory: a promise of zeros. The kernel takes no page for it before somebody touches it.
static char* map_pages(void) {
  char* memory = mmap(NULL, (size_t)PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) err(EXIT_FAILURE, "mmap");
  return memory;
}

// False when the peer has closed the connection.
static bool receive_all(int socket, void* data, size_t bytes) {
  ssize_t got = recv(socket, data, bytes, MSG_WAITALL);
  if (got < 0) err(EXIT_FAILURE, "recv");
  return (size_t)got == bytes;
}

// MSG_NOSIGNAL: a peer that has gone is an error to report, not a signal that ends us silently.
static void send_all(int socket, const void* data, size_t bytes) {
  if (send(socket, data, bytes, MSG_NOSIGNAL) != (ssize_t)bytes) err(EXIT_FAILURE, "send");
}

// The source: answers each page number with that page, until nobody asks any more.
static int run_source(int socket) {
  char* memory = map_pages();
  for (int i = 0; i < PAGES; ++i) {
    snprintf(memory + i * PAGE_BYTES, PAGE_BYTES, "I am page %d, written by the source", i);
  }
  uint32_t page;
  while (receive_all(socket, &page, sizeof page)) {
    if (page >= PAGES) errx(EXIT_FAILURE, "no such page: %u", page);
    printf("source:        sending page %u\n", page);
    send_all(socket, memory + page * PAGE_BYTES, PAGE_BYTES);
  }
  return EXIT_SUCCESS;
}

// Opens a userfaultfd and has it watch the memory.
static int watch(char* memory) {
  // UFFD_USER_MODE_ONLY needs no privilege. In return the kernel itself may not wait for a missing
  // page: a system call that meets one, say write(2), fails with EFAULT.
  int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  if (uffd < 0) err(EXIT_FAILURE, "userfaultfd (Linux >= 5.11; some containers forbid it)");

  // The handshake comes first: which version is spoken, and which features beyond the basic ones.
  struct uffdio_api api = {.api = UFFD_API, .features = 0};
  if (ioctl(uffd, UFFDIO_API, &api) != 0) err(EXIT_FAILURE, "UFFDIO_API");

  // From here on a touch of a page that is not there no longer gets zeros: it waits for us.
  struct uffdio_register request = {
      .range = {.start = (uintptr_t)memory, .len = (uint64_t)PAGES * PAGE_BYTES},
      .mode = UFFDIO_REGISTER_MODE_MISSING};
  if (ioctl(uffd, UFFDIO_REGISTER, &request) != 0) err(EXIT_FAILURE, "UFFDIO_REGISTER");
  return uffd;
}

static void* handle_faults(void* argument) {
  const struct destination* self = argument;
  char bytes[PAGE_BYTES];
  for (;;) {
    // Blocks until a thread has touched a missing page. That thread is now asleep in the kernel.
    struct uffd_msg event;
    if (read(self->uffd, &event, sizeof event) != sizeof event) err(EXIT_FAILURE, "read");
    if (event.event != UFFD_EVENT_PAGEFAULT) continue;
    uint64_t offset = event.arg.pagefault.address - (uintptr_t)self->memory;
    uint32_t page = (uint32_t)(offset / PAGE_BYTES);
    printf("fault handler: a thread waits for page %u, asking the source\n", page);
    send_all(self->source, &page, sizeof page);
    // Into a buffer. In place, recv would itself touch the page that is missing.
    if (!receive_all(self->source, bytes, sizeof bytes)) errx(EXIT_FAILURE, "the source is gone");

    // One step for whoever looks on: takes a fresh page, copies the bytes into it, enters it in the
    // page table where nothing was, and wakes the thread, which repeats its instruction.
    printf("fault handler: page %u has come, installing it\n", page);
    struct uffdio_copy copy = {.dst = (uintptr_t)self->memory + page * PAGE_BYTES,
                               .src = (uintptr_t)bytes,
                               .len = PAGE_BYTES};
    if (ioctl(self->uffd, UFFDIO_COPY, &copy) != 0) err(EXIT_FAILURE, "UFFDIO_COPY");
  }
  return NULL;
}

static void run_destination(int socket) {
  struct destination self = {.memory = map_pages(), .source = socket};
  self.uffd = watch(self.memory);
  pthread_t handler;
  errno = pthread_create(&handler, NULL, handle_faults, &self);
  if (errno != 0) err(EXIT_FAILURE, "pthread_create");

  // This thread is the guest from here on. It knows nothing of sockets.
  const char* page = self.memory + WANTED * PAGE_BYTES;
  printf("guest:         reading page %d\n", WANTED);
  // The read that waits. It stands outside of printf, because printf holds a lock while it reads its
  // arguments and the fault handler prints too: each would wait for the other.
  (void)*(const volatile char*)page;
  printf("guest:         it says \"%s\"\n", page);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);  // Whole lines, in the order in which things happen.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) err(EXIT_FAILURE, "socketpair");
  pid_t source = fork();
  if (source < 0) err(EXIT_FAILURE, "fork");
  close(ends[source == 0 ? 0 : 1]);
  if (source == 0) return run_source(ends[1]);
  run_destination(ends[0]);
  shutdown(ends[0], SHUT_RDWR);  // Nobody asks any more: the source ends.
  int status;
  if (waitpid(source, &status, 0) < 0) err(EXIT_FAILURE, "waitpid");
  // Ends the fault handler too, which waits for a fault that never comes.
  return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
