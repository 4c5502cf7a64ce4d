/* What dlopen() of musl answers: reads paths, one a line, and writes an answer a line; each file is loaded in a process of its own. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  char path[4096];
  while (fgets(path, sizeof path, stdin)) {
    path[strcspn(path, "\n")] = 0;
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
      if (freopen("/dev/null", "w", stderr) == NULL)
        _exit(1);
      alarm(60);
      void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
      printf("%s\n", handle ? "ok" : dlerror());
      fflush(stdout);
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
      printf("signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    fflush(stdout);
  }
  return 0;
}
