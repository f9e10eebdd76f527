# The guest of the bench's QEMU: a BIOS image that fills its memory, says so, and then sweeps a working
# set for ever (sweep.s), goes through the snapshots of an image (replay.s) or stays idle. Assembled by rom.ts,
# which also writes the parameters into it.
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
#   0       page tables, counters, stack
#   64 KiB  this image
#   2 MiB   what is filled and written: all the rest
# Right after its memory the guest sees the tape, if it has one, and after that the local APIC. The tape (tape.ts) says what
# replay.s does.
    .set RAM_IMAGE,       0x10000         # the linker's -Ttext
    .set ROM_SEGMENT,     0xf000          # where a machine shows the last 64 KiB of its BIOS below 1 MiB
    .set IMAGE_BYTES,     0x10000

    .set PML4,            0x1000
    .set PDPT,            0x2000
    .set DIRECTORIES,     0x3000          # one page for each GiB
    .set MOST_GIB,        9               # memory, tape and APIC
    .set COUNTERS,        0xd000          # not in the image's pages: writes beside code are slow
    .set STACK_TOP,       0xf000

    .set TABLE_ENTRY,     0x27            # accessed, user, writable, present
    .set LARGE_PAGE,      0xe7            # the same, dirty, 2 MiB
    .set APIC_PAGE,       0xf3            # CPL 0 alone, not cached

    .set FIRST_BYTE,      0x200000
    .set PAGE_BYTES,      4096
    .set PAGES_PER_MARK,  1024
    .set COM1,            0x3f8

    .set APIC,            0xfee00000
    .set APIC_EOI,        0xb0
    .set APIC_SPURIOUS,   0xf0
    .set APIC_LVT_TIMER,  0x320
    .set APIC_LVT_LINT0,  0x350
    .set APIC_COUNT,      0x380           # of nanoseconds: both KVM's APIC and QEMU's have 1 GHz
    .set APIC_DIVIDE,     0x3e0
    .set APIC_ENABLED,    0x1ff
    .set APIC_MASKED,     0x10000
    .set APIC_DIVIDE_BY_1, 0xb

    .set KERNEL_CODE32,   0x08
    .set KERNEL_DATA,     0x10
    .set KERNEL_CODE64,   0x18
    .set USER_DATA,       0x20 | 3
    .set USER_CODE64,     0x28 | 3
    .set TASK,            0x30
    .set USER_FLAGS,      0x0002          # interrupts stay off
    .set GENERAL_PROTECTION, 13
    .set TIMER,           32

    .text
image:
# Written by rom.ts; its order is the order there.
parameters:
low_chunks:      .quad 0                  # memory below the hole for devices, in chunks of 2 MiB
all_chunks:      .quad 0                  # the rest of it begins at 4 GiB
working_set:     .quad 0                  # pages to sweep; 0: idle
fill:            .quad 0                  # 0: nothing, 1: touch with zeros, 2: random
seed:            .quad 0
tape_chunks:     .quad 0                  # 0: there is none
tape_address:    .quad 0                  # where the machine has it

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

# Only the gates of the fault by which CPL 3 gets to rest, and of the timer that ends the rest. Any other ends the machine.
    .macro interrupt_gate target
    .word RAM_IMAGE + (\target - image) - 0x10000
    .word KERNEL_CODE64
    .byte 0, 0x8e
    .word 1
    .quad 0
    .endm

    .balign 8
idt:
    .fill GENERAL_PROTECTION * 16, 1, 0
    interrupt_gate rest
    .fill (TIMER - GENERAL_PROTECTION - 1) * 16, 1, 0
    interrupt_gate timer
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

    # The same for the tape.
    movl tape_address, %eax
    orl $LARGE_PAGE, %eax
    movl tape_address + 4, %edx
    movl all_chunks, %ebx
    addl tape_chunks, %ebx
4:  cmpl %ebx, %ecx
    jae 5f
    movl %eax, DIRECTORIES(, %ecx, 8)
    movl %edx, DIRECTORIES + 4(, %ecx, 8)
    addl $(1 << 21), %eax
    adcl $0, %edx
    incl %ecx
    jmp 4b
5:  movl $(APIC + APIC_PAGE), DIRECTORIES(, %ecx, 8)

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
    # r15 is the APIC's address for good. LINT0 would bring interrupts of a timer that nobody has set.
    movq all_chunks, %r15
    addq tape_chunks, %r15
    shlq $21, %r15
    movl $APIC_ENABLED, APIC_SPURIOUS(%r15)
    movl $APIC_MASKED, APIC_LVT_LINT0(%r15)
    movl $TIMER, APIC_LVT_TIMER(%r15)
    movl $APIC_DIVIDE_BY_1, APIC_DIVIDE(%r15)
    movl $user, %eax

# To the address rax in CPL 3.
enter_user:
    pushq $USER_DATA
    pushq $0                              # CPL 3 uses no stack
    pushq $USER_FLAGS
    pushq $USER_CODE64
    pushq %rax
    iretq

# CPL 0 again, for r14 nanoseconds; 0: for good. The processor sleeps meanwhile and costs nothing. Interrupts are off but
# from `sti` on, which takes effect after `hlt` has begun: so the timer cannot fire before.
rest:
    testl %r14d, %r14d
    jz idle
    movl %r14d, APIC_COUNT(%r15)
    sti
    hlt
idle:
    hlt
    jmp idle

timer:
    movl $0, APIC_EOI(%r15)
    movl $STACK_TOP, %esp
    movl $next_operation, %eax
    jmp enter_user

user:
    xorl %r14d, %r14d
    movq all_chunks, %r9
    shlq $21, %r9
    cmpq $0, tape_chunks
    jne replay

    .include "sweep.s"
    .include "replay.s"

code_end:

# Where a processor begins.
    .org IMAGE_BYTES - 16
    .code16
    ljmp $ROM_SEGMENT, $(entry - image)
    .org IMAGE_BYTES
