/* The smallest program: the process in which objects are opened that no program of their bundle is known to load.  It starts on every release. */

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %edi, %edi\n\tmov $231, %eax\n\tsyscall\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x0, #0\n\tmov x8, #94\n\tsvc #0\n");
#endif
