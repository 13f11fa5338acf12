// Sockets of IPv4 and IPv6: addresses as the kernel wants them, which Swift sees only as casts.
#define _GNU_SOURCE
#include "CLinuxShim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int failed(int descriptor) {
  int error = errno;
  if (descriptor >= 0) close(descriptor);
  return -error;
}

static struct sockaddr_in ipv4(uint32_t address, uint16_t port) {
  struct sockaddr_in result = {.sin_family = AF_INET, .sin_port = htons(port)};
  result.sin_addr.s_addr = htonl(address);
  return result;
}

int stk_serve_ipv4(uint32_t address, uint16_t port, int stream) {
  int type = (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  int descriptor = socket(AF_INET, type, 0);
  if (descriptor < 0) return -errno;
  int on = 1;
  struct sockaddr_in name = ipv4(address, port);
  if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
      setsockopt(descriptor, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) < 0 ||
      bind(descriptor, (struct sockaddr *)&name, sizeof name) < 0 || (stream && listen(descriptor, 64) < 0))
    return failed(descriptor);
  return descriptor;
}

ssize_t stk_receive_from(int socket, void *bytes, size_t count, uint32_t *address, uint16_t *port) {
  struct sockaddr_in name;
  socklen_t size = sizeof name;
  ssize_t received = recvfrom(socket, bytes, count, MSG_DONTWAIT, (struct sockaddr *)&name, &size);
  if (received < 0) return -errno;
  *address = ntohl(name.sin_addr.s_addr);
  *port = ntohs(name.sin_port);
  return received;
}

ssize_t stk_send_to(int socket, const void *bytes, size_t count, uint32_t address, uint16_t port) {
  struct sockaddr_in name = ipv4(address, port);
  ssize_t sent = sendto(socket, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&name, sizeof name);
  return sent < 0 ? -errno : sent;
}

int stk_accept_ipv4(int socket, uint32_t *address) {
  struct sockaddr_in name;
  socklen_t size = sizeof name;
  int descriptor = accept4(socket, (struct sockaddr *)&name, &size, SOCK_CLOEXEC);
  if (descriptor < 0) return -errno;
  *address = ntohl(name.sin_addr.s_addr);
  return descriptor;
}

int stk_set_timeouts(int socket, int milliseconds) {
  struct timeval time = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
  if (setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) < 0 ||
      setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) < 0)
    return -errno;
  return 0;
}

int stk_connect(const char *address, uint16_t port, int stream, int milliseconds) {
  struct sockaddr_in six_or_four = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  struct sockaddr *name = (struct sockaddr *)&six_or_four;
  socklen_t size = sizeof six_or_four;
  if (inet_pton(AF_INET, address, &six_or_four.sin_addr) != 1) {
    if (inet_pton(AF_INET6, address, &six.sin6_addr) != 1) return -EINVAL;
    name = (struct sockaddr *)&six;
    size = sizeof six;
  }
  int descriptor = socket(name->sa_family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  if (milliseconds > 0) {
    int error = stk_set_timeouts(descriptor, milliseconds);
    if (error < 0) {
      close(descriptor);
      return error;
    }
  }
  if (connect(descriptor, name, size) < 0) return failed(descriptor);
  return descriptor;
}

// By the number of the directory: a socket's path has 107 bytes at most.
static struct sockaddr_un local(int directory, const char *name) {
  struct sockaddr_un result = {.sun_family = AF_UNIX};
  snprintf(result.sun_path, sizeof result.sun_path, "/proc/self/fd/%d/%s", directory, name);
  return result;
}

int stk_listen_local(int directory, const char *name) {
  int descriptor = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -errno;
  struct sockaddr_un address = local(directory, name);
  if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0 || listen(descriptor, 16) < 0)
    return failed(descriptor);
  return descriptor;
}

int stk_bind_local(int directory, const char *name) {
  int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -errno;
  struct sockaddr_un address = local(directory, name);
  if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0) return failed(descriptor);
  return descriptor;
}

ssize_t stk_send_local(const char *name, const void *bytes, size_t count) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(name);
  if (length >= sizeof address.sun_path) return -ENAMETOOLONG;
  memcpy(address.sun_path, name, length);
  if (name[0] == '@') address.sun_path[0] = 0;
  int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  socklen_t size = offsetof(struct sockaddr_un, sun_path) + length;
  ssize_t sent = sendto(descriptor, bytes, count, MSG_NOSIGNAL, (struct sockaddr *)&address, size);
  if (sent < 0) return failed(descriptor);
  close(descriptor);
  return sent;
}

int stk_accept(int socket) {
  int descriptor = accept4(socket, NULL, NULL, SOCK_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

int stk_connect_local(int directory, const char *name, int stream) {
  int descriptor = socket(AF_UNIX, (stream ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  struct sockaddr_un address = local(directory, name);
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0) return failed(descriptor);
  return descriptor;
}
