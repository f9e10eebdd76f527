# Fills the memory with the first snapshot of an image, says so, and then goes through its later snapshots as the engine's
# guest does (native/workload/snapshots.h, trace_pacer.h): operation by operation, each when it is due, forth, back and
# again. What the operations are is on the tape. The guest only reads it.
#
# All times are of the time-stamp counter.
    .set TAPE_PAGES,      0               # of the image
    .set TAPE_FIRST,      8               # offset on the tape: the number of each page's content, 4 bytes
    .set TAPE_STEPS,      16              # offset
    .set TAPE_STEPS_END,  24              # offset; the same: none
    .set TAPE_PERIOD,     32
    .set TAPE_MOST_LAG,   40              # what is later than that is not made up for
    .set TAPE_LEAST_WAIT, 48
    .set TAPE_MOST_WAIT,  56
    .set TAPE_NS_PER_TICK, 64             # in units of 2^-32

    .set STEP_DUE,        0               # since the period began
    .set STEP_PAGE,       8
    .set STEP_BEFORE,     12              # the numbers of two contents
    .set STEP_AFTER,      16
    .set STEP_BYTES,      24

# Read by the bench.
    .set OPERATIONS,      COUNTERS
    .set FAILURES,        COUNTERS + 8    # operations that found another content than the one before

    .set WORDS_PER_PAGE,  PAGE_BYTES / 8

# r13: the tape; content number n is its page n.
replay:
    movq %r9, %r13
    cld
    movq TAPE_PAGES(%r13), %r8
    movq TAPE_FIRST(%r13), %rbx
    addq %r13, %rbx
    movl $FIRST_BYTE, %edi
1:  movl (%rbx), %esi
    shlq $12, %rsi
    addq %r13, %rsi
    movl $WORDS_PER_PAGE, %ecx
    rep movsq
    addq $4, %rbx
    decq %r8
    jnz 1b

    movw $COM1, %dx
    movb $'R', %al
    outb %al, %dx

    # rbx: the next step, r8: the first, r9: the end, r12: when the period began.
    movq TAPE_STEPS(%r13), %r8
    movq TAPE_STEPS_END(%r13), %r9
    cmpq %r8, %r9
    je sleep
    addq %r13, %r8
    addq %r13, %r9
    movq %r8, %rbx
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, %r12

next_operation:
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    subq %r12, %rax
    subq STEP_DUE(%rbx), %rax
    js wait
    subq TAPE_MOST_LAG(%r13), %rax
    jle operate
    addq %rax, %r12                       # the rest happens so much later

# Compares the page with what it must hold before, and writes the words that differ after. r10: whether it held that.
operate:
    movl STEP_PAGE(%rbx), %edi
    movl STEP_BEFORE(%rbx), %esi
    movl STEP_AFTER(%rbx), %edx
    shlq $12, %rdi
    addq $FIRST_BYTE, %rdi
    shlq $12, %rsi
    addq %r13, %rsi
    shlq $12, %rdx
    addq %r13, %rdx
    xorl %r10d, %r10d
    xorl %ecx, %ecx
1:  movq (%rsi, %rcx, 8), %rax
    movq (%rdx, %rcx, 8), %r11
    cmpq %rax, (%rdi, %rcx, 8)
    je 2f
    movl $1, %r10d
2:  cmpq %rax, %r11
    je 3f
    movq %r11, (%rdi, %rcx, 8)
3:  incl %ecx
    cmpl $WORDS_PER_PAGE, %ecx
    jne 1b
    addq %r10, FAILURES
    incq OPERATIONS
    addq $STEP_BYTES, %rbx
    cmpq %r9, %rbx
    jne next_operation
    movq %r8, %rbx
    addq TAPE_PERIOD(%r13), %r12
    jmp next_operation

# rax: ticks until the step is due, negative.
wait:
    negq %rax
    cmpq TAPE_LEAST_WAIT(%r13), %rax
    jae 1f
    movq TAPE_LEAST_WAIT(%r13), %rax
1:  cmpq TAPE_MOST_WAIT(%r13), %rax
    jbe 2f
    movq TAPE_MOST_WAIT(%r13), %rax
2:  mulq TAPE_NS_PER_TICK(%r13)
    shrdq $32, %rdx, %rax
    movl %eax, %r14d
sleep:
    hlt                                   # forbidden in CPL 3: the fault leads to `rest`, and the timer to the next operation
