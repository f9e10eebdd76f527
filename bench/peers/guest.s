# The guest of the bench's QEMU: a BIOS image that fills its memory, says so, and then sweeps a working
# set for ever or stays idle. Assembled by rom.ts, which also writes the parameters into it.
#
# On some hosts KVM runs only 64-bit user-mode code at native speed and emulates everything else. So
# the way to there is short, and all the work is done in CPL 3. It may write to the serial port because
# the task state's bitmap opens that port: such hosts look there, and not at the I/O privilege level.
#
# The image is linked to run where it copies itself to, RAM_IMAGE. What it says on COM1:
#   R  the memory is filled
#   m  1,024 more pages were written
#
# Memory as the guest sees it is one run, although the machine has it in two pieces:
#   0       page tables, stack
#   64 KiB  this image
#   2 MiB   what is filled and swept: all the rest
    .set RAM_IMAGE,       0x10000         # the linker's -Ttext
    .set ROM_SEGMENT,     0xf000          # where a machine shows the last 64 KiB of its BIOS below 1 MiB
    .set IMAGE_BYTES,     0x10000

    .set PML4,            0x1000
    .set PDPT,            0x2000
    .set DIRECTORIES,     0x3000          # one page for each GiB
    .set MOST_GIB,        8
    .set STACK_TOP,       0xf000

    .set TABLE_ENTRY,     0x27            # accessed, user, writable, present
    .set LARGE_PAGE,      0xe7            # the same, dirty, 2 MiB

    .set FIRST_BYTE,      0x200000
    .set PAGE_BYTES,      4096
    .set PAGES_PER_MARK,  1024
    .set COM1,            0x3f8

    .set KERNEL_CODE32,   0x08
    .set KERNEL_DATA,     0x10
    .set KERNEL_CODE64,   0x18
    .set USER_DATA,       0x20 | 3
    .set USER_CODE64,     0x28 | 3
    .set TASK,            0x30
    .set USER_FLAGS,      0x0002          # interrupts stay off
    .set GENERAL_PROTECTION, 13

    .text
image:
# Written by rom.ts; its order is the order there.
parameters:
low_chunks:      .quad 0                  # memory below the hole for devices, in chunks of 2 MiB
all_chunks:      .quad 0                  # the rest of it begins at 4 GiB
working_set:     .quad 0                  # pages to sweep; 0: idle
fill:            .quad 0                  # 0: nothing, 1: touch with zeros, 2: random
seed:            .quad 0

    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff              # kernel code, 32 bits
    .quad 0x00cf93000000ffff              # kernel data
    .quad 0x00af9b000000ffff              # kernel code, 64 bits
    .quad 0x00cff3000000ffff              # user data
    .quad 0x00affb000000ffff              # user code, 64 bits
    # The task state: the stack for CPL 0, and the ports that CPL 3 may use.
    .word task_end - task - 1
    .word RAM_IMAGE + (task - image) - 0x10000
    .byte 1, 0x89, 0, 0
    .quad 0
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt

    .balign 8
task:
    .long 0
    .quad STACK_TOP
    .fill 90, 1, 0
    .word io_bitmap - task
io_bitmap:
    .fill (COM1 + 8) / 8, 1, 0            # every port up to COM1's last is open
    .byte 0xff
task_end:

# Only the gate of the fault by which CPL 3 gets to the idle loop. Any other ends the machine.
    .balign 8
idt:
    .fill GENERAL_PROTECTION * 16, 1, 0
    .word RAM_IMAGE + (idle - image) - 0x10000
    .word KERNEL_CODE64
    .byte 0, 0x8e                         # interrupt gate
    .word 1
    .quad 0
idt_end:
idt_pointer:
    .word idt_end - idt - 1
    .quad idt

    .code16
entry:
    cli
    cld
    movw $ROM_SEGMENT, %ax
    movw %ax, %ds
    movw $(RAM_IMAGE >> 4), %ax
    movw %ax, %es
    xorw %si, %si
    xorw %di, %di
    movw $(code_end - image), %cx
    rep movsb
    movw %ax, %ds
    lgdtl gdt_pointer - image
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $KERNEL_CODE32, $protected

    .code32
protected:
    movw $KERNEL_DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $STACK_TOP, %esp

    movl $PML4, %edi
    xorl %eax, %eax
    movl $((2 + MOST_GIB) * PAGE_BYTES / 4), %ecx
    rep stosl
    movl $(PDPT + TABLE_ENTRY), PML4
    movl $PDPT, %edi
    movl $(DIRECTORIES + TABLE_ENTRY), %eax
    movl $MOST_GIB, %ecx
1:  movl %eax, (%edi)
    addl $PAGE_BYTES, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b

    # edx:eax is the entry of chunk ecx.
    movl $LARGE_PAGE, %eax
    xorl %edx, %edx
    xorl %ecx, %ecx
2:  cmpl low_chunks, %ecx
    jne 3f
    movl $LARGE_PAGE, %eax
    movl $1, %edx                         # 4 GiB
3:  movl %eax, DIRECTORIES(, %ecx, 8)
    movl %edx, DIRECTORIES + 4(, %ecx, 8)
    addl $(1 << 21), %eax
    adcl $0, %edx
    incl %ecx
    cmpl all_chunks, %ecx
    jb 2b

    movl %cr4, %eax
    orl $(1 << 5), %eax                   # physical address extension
    movl %eax, %cr4
    movl $PML4, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx                # EFER
    rdmsr
    orl $(1 << 8), %eax                   # long mode
    wrmsr
    movl %cr0, %eax
    orl $(1 << 31), %eax                  # paging
    movl %eax, %cr0
    ljmp $KERNEL_CODE64, $long_mode

    .code64
long_mode:
    movl $STACK_TOP, %esp
    lidt idt_pointer
    movw $TASK, %ax
    ltr %ax
    pushq $USER_DATA
    pushq $0                              # CPL 3 uses no stack
    pushq $USER_FLAGS
    pushq $USER_CODE64
    pushq $user
    iretq

# CPL 0 again, for good. Interrupts are off: the processor sleeps and costs nothing.
idle:
    hlt
    jmp idle

user:
    movq all_chunks, %r9
    shlq $21, %r9
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
    hlt                                   # forbidden in CPL 3: the fault leads to `idle`

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

code_end:

# Where a processor begins.
    .org IMAGE_BYTES - 16
    .code16
    ljmp $ROM_SEGMENT, $(entry - image)
    .org IMAGE_BYTES
