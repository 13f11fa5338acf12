// Writes numbered lines to standard output at a steady rate, until SIGTERM; then the number of the last one, and ends.
//
//   ticker LINES-A-SECOND
//
// Each line is its number in ten digits. Lines are written as they are due, ten times a second at least.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void end(int signal) {
  (void)signal;
  ended = 1;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static int write_all(const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(1, bytes, count);
    if (written < 0) return -1;
    bytes += written;
    count -= written;
  }
  return 0;
}

int main(int argc, char **argv) {
  static char buffer[11 * 4096 + 1];
  if (argc != 2) return 2;
  double rate = atof(argv[1]), begin = now();
  struct sigaction action = {.sa_handler = end, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &action, NULL);
  long number = 0;
  while (!ended) {
    long due = (now() - begin) * rate;
    size_t used = 0;
    for (; number < due && used + 11 < sizeof buffer; number++) used += sprintf(buffer + used, "%010ld\n", number);
    if (write_all(buffer, used) < 0) return 1;
    struct timespec pause = {0, 10 * 1000 * 1000};
    nanosleep(&pause, NULL);
  }
  int length = sprintf(buffer, "last %010ld\n", number - 1);
  return write_all(buffer, length) < 0 ? 1 : 0;
}
