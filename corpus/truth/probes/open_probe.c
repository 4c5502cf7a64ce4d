/* Preloaded into a program: its constructor opens the object that TRUTH_OPEN names, as the program itself would, prints what dlerror says or every
 * object of the process, and ends the process.  All symbols have their oldest versions, so that the same file runs on every release. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
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

__attribute__((constructor)) static void open_object(void)
{
    const char *path = getenv("TRUTH_OPEN");
    if (!path)
        return;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle) {
        dl_iterate_phdr(each_object, 0);
        say("probe: ", "opened");
    } else {
        say("probe: refused ", dlerror());
    }
    _exit(0);
}
