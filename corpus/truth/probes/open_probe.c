/* Preloaded into a program: its constructor opens the object that TRUTH_OPEN names, as the program itself would, prints what dlerror says or every
 * object of the process, and ends the process.  All symbols have their oldest versions, so that the same file runs on every release. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef __GLIBC__
#if defined(__x86_64__)
#define OLDEST "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define OLDEST "GLIBC_2.17"
#endif
__asm__(".symver dlopen,dlopen@" OLDEST);
__asm__(".symver dlerror,dlerror@" OLDEST);
#endif

static void say(const char *label, const char *text)
{
    ssize_t ignored = write(1, label, strlen(label));
    ignored = write(1, text, strlen(text));
    ignored = write(1, "\n", 1);
    (void)ignored;
}

static int each_object(struct dl_phdr_info *object, size_t size, void *data)
{
    (void)size;
    (void)data;
    if (object->dlpi_name && object->dlpi_name[0])
        say("probe: object ", object->dlpi_name);
    return 0;
}

/* An initialiser may rely on a program that has come further than ours.  Its crash, in the code of some object that is not the loader, is no answer of
 * the loader's; one in the loader, or at an address where nothing is, stays a crash. */

static uintptr_t crashed_at;
static int in_an_object;

static int find_object(struct dl_phdr_info *object, size_t size, void *data)
{
    (void)size;
    (void)data;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) && crashed_at >= start && crashed_at - start < segment->p_memsz)
            in_an_object = !object->dlpi_name || !strstr(object->dlpi_name, "/ld-");
    }
    return 0;
}

static void crashed(int number, siginfo_t *info, void *context)
{
    (void)info;
    ucontext_t *state = context;
#if defined(__x86_64__)
    crashed_at = state->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    crashed_at = state->uc_mcontext.pc;
#endif
    dl_iterate_phdr(find_object, 0);
    if (in_an_object) {
        dl_iterate_phdr(each_object, 0);
        say("probe: ", "opened");
        _exit(0);
    }
    signal(number, SIG_DFL);
}

__attribute__((constructor)) static void open_object(void)
{
    const char *path = getenv("TRUTH_OPEN");
    if (!path)
        return;
    struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, 0);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle) {
        dl_iterate_phdr(each_object, 0);
        say("probe: ", "opened");
    } else {
        say("probe: refused ", dlerror());
    }
    _exit(0);
}
