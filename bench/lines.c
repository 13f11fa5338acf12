// Writes numbered lines of a fixed length to standard output as fast as they are taken, then how long that took.
//
//   lines COUNT LENGTH FILE      FILE gets the seconds between the first and the last write
//
// Each line is its number in ten digits, a space, filling, and the newline, LENGTH bytes in all.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  static char buffer[1 << 16];
  if (argc != 4) return 2;
  long count = atol(argv[1]), length = atol(argv[2]);
  if (length < 12 || length > (long)sizeof buffer) return 2;
  double before = seconds();
  for (long number = 0; number < count;) {
    size_t used = 0;
    for (; number < count && used + length <= sizeof buffer; number++, used += length) {
      memset(buffer + used, '.', length);
      long rest = number;
      for (int digit = 9; digit >= 0; digit--, rest /= 10) buffer[used + digit] = '0' + rest % 10;
      buffer[used + 10] = ' ';
      buffer[used + length - 1] = '\n';
    }
    for (size_t written = 0; written < used;) {
      ssize_t result = write(1, buffer + written, used - written);
      if (result < 0) return 1;
      written += result;
    }
  }
  double taken = seconds() - before;
  FILE *file = fopen(argv[3], "w");
  if (!file) return 1;
  fprintf(file, "%f\n", taken);
  return fclose(file) ? 1 : 0;
}
