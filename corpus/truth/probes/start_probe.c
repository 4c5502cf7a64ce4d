/* Preloaded into a program: when its constructor runs, the loader has mapped, checked and relocated everything.  Says so and ends the process, so
 * that main is never reached.  Needs no library: it must not change what is in the process. */

#if defined(__x86_64__)
static long system_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}
enum { WRITE = 1, EXIT_GROUP = 231 };
#elif defined(__aarch64__)
static long system_call(long number, long a, long b, long c)
{
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
enum { WRITE = 64, EXIT_GROUP = 94 };
#endif

__attribute__((constructor)) static void started(void)
{
    static const char message[] = "probe: started\n";
    system_call(WRITE, 1, (long)message, sizeof message - 1);
    system_call(EXIT_GROUP, 0, 0, 0);
}
