// A filter that asks a listener (seccomp_unotify(2)).
#define _GNU_SOURCE
#include "CLinuxShim.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

const uint64_t STK_LISTENER_MARK = 0x737461636b5f7365;

int stk_seccomp_receive(int listener, uint64_t *id, uint32_t *architecture, uint32_t *number) {
  struct seccomp_notif request;
  memset(&request, 0, sizeof request);
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0) return -errno;
  *id = request.id;
  *architecture = request.data.arch;
  *number = (uint32_t)request.data.nr;
  return 0;
}

int stk_seccomp_continue(int listener, uint64_t id) {
  struct seccomp_notif_resp response = {.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
  return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0 ? -errno : 0;
}

int stk_send_listener(int socket, int listener, const void *bytes, size_t count) {
  struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &listener, sizeof listener);
  // sendmsg(2) has three arguments: the sixth is for the filter to see.
  long sent = syscall(SYS_sendmsg, socket, &message, MSG_NOSIGNAL, 0L, 0L, (long)STK_LISTENER_MARK);
  if (sent < 0) return -errno;
  return (size_t)sent == count ? 0 : -EMSGSIZE;
}
