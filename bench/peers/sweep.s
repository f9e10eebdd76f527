# Fills the memory up to r9, and then sweeps a working set for ever or rests.
    movl $FIRST_BYTE, %edi
    movq fill, %rax
    cmpq $1, %rax
    je touch
    ja randomize
    jmp filled

touch:
    movq $0, (%rdi)
    addq $PAGE_BYTES, %rdi
    cmpq %r9, %rdi
    jb touch
    jmp filled

# Every word another step of one xorshift generator of period 2^64 - 1: no two pages alike.
randomize:
    movq seed, %rax
4:  movq %rax, %rdx
    shlq $13, %rdx
    xorq %rdx, %rax
    movq %rax, %rdx
    shrq $7, %rdx
    xorq %rdx, %rax
    movq %rax, %rdx
    shlq $17, %rdx
    xorq %rdx, %rax
    movq %rax, (%rdi)
    addq $8, %rdi
    cmpq %r9, %rdi
    jb 4b

filled:
    movw $COM1, %dx
    movb $'R', %al
    outb %al, %dx
    movq working_set, %r8
    testq %r8, %r8
    jnz sweep
    hlt                                   # forbidden in CPL 3: the fault leads to `rest`

sweep:
    movl $PAGES_PER_MARK, %ecx
    movb $'m', %al
5:  movl $FIRST_BYTE, %edi
    movq %r8, %r9
6:  incq %rbx
    movq %rbx, (%rdi)
    addq $PAGE_BYTES, %rdi
    decl %ecx
    jnz 7f
    outb %al, %dx
    movl $PAGES_PER_MARK, %ecx
7:  decq %r9
    jnz 6b
    jmp 5b
