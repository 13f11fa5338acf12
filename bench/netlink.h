// The few rtnetlink(7) requests that the floor needs, and nothing else.
#ifndef BENCH_NETLINK_H
#define BENCH_NETLINK_H

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Requests that are built one after the other and sent together: a system call for all of them.
struct requests {
  size_t length;
  unsigned count;
  uint8_t bytes[2048] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static struct nlmsghdr *request_begin(struct requests *all, uint16_t type, uint16_t flags, const void *header, size_t size) {
  struct nlmsghdr *request = (struct nlmsghdr *)(all->bytes + all->length);
  memset(request, 0, NLMSG_SPACE(size));
  request->nlmsg_len = NLMSG_LENGTH(size);
  request->nlmsg_type = type;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
  request->nlmsg_seq = ++all->count;
  memcpy(NLMSG_DATA(request), header, size);
  return request;
}

static void request_end(struct requests *all, const struct nlmsghdr *request) {
  all->length += NLMSG_ALIGN(request->nlmsg_len);
}

static struct rtattr *attribute(struct nlmsghdr *request, uint16_t type, const void *value, size_t size) {
  struct rtattr *added = (struct rtattr *)((uint8_t *)request + NLMSG_ALIGN(request->nlmsg_len));
  added->rta_type = type;
  added->rta_len = RTA_LENGTH(size);
  if (size) memcpy(RTA_DATA(added), value, size);
  request->nlmsg_len = NLMSG_ALIGN(request->nlmsg_len) + RTA_ALIGN(added->rta_len);
  return added;
}

static void attribute_number(struct nlmsghdr *request, uint16_t type, uint32_t value) {
  attribute(request, type, &value, sizeof value);
}

static void attribute_string(struct nlmsghdr *request, uint16_t type, const char *value) {
  attribute(request, type, value, strlen(value) + 1);
}

// An attribute that contains others begins here, and ends where nest_end() is called.
static struct rtattr *nest_begin(struct nlmsghdr *request, uint16_t type) {
  return attribute(request, type | NLA_F_NESTED, NULL, 0);
}

static void nest_end(struct nlmsghdr *request, struct rtattr *nest) {
  nest->rta_len = (uint8_t *)request + request->nlmsg_len - (uint8_t *)nest;
}

static int netlink_open(void) {
  return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

// Sends the requests and reads an answer to each: 0, or the first error, negated.
static int netlink_send(int socket, const struct requests *all) {
  if (send(socket, all->bytes, all->length, 0) != (ssize_t)all->length) return -1;
  int first_error = 0;
  for (unsigned answered = 0; answered < all->count;) {
    uint8_t buffer[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
    ssize_t size = recv(socket, buffer, sizeof buffer, 0);
    if (size <= 0) return -1;
    for (struct nlmsghdr *answer = (struct nlmsghdr *)buffer; NLMSG_OK(answer, size); answer = NLMSG_NEXT(answer, size)) {
      if (answer->nlmsg_type != NLMSG_ERROR) continue;
      int error = ((struct nlmsgerr *)NLMSG_DATA(answer))->error;
      if (error && !first_error) first_error = error;
      answered++;
    }
  }
  return first_error;
}

static void add_bridge(struct requests *all, const char *name) {
  struct ifinfomsg header = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  struct nlmsghdr *request = request_begin(all, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
  attribute_string(request, IFLA_IFNAME, name);
  struct rtattr *info = nest_begin(request, IFLA_LINKINFO);
  attribute_string(request, IFLA_INFO_KIND, "bridge");
  nest_end(request, info);
  request_end(all, request);
}

// A veth pair in one message: `name` on the bridge and up, its peer `eth0` in the network namespace of `pid`.
static void add_veth(struct requests *all, const char *name, int bridge, uint32_t group, pid_t pid, int one_queue) {
  struct ifinfomsg header = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  struct nlmsghdr *request = request_begin(all, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
  attribute_string(request, IFLA_IFNAME, name);
  attribute_number(request, IFLA_MASTER, bridge);
  attribute_number(request, IFLA_GROUP, group);
  if (one_queue) {
    attribute_number(request, IFLA_NUM_TX_QUEUES, 1);
    attribute_number(request, IFLA_NUM_RX_QUEUES, 1);
  }
  struct rtattr *info = nest_begin(request, IFLA_LINKINFO);
  attribute_string(request, IFLA_INFO_KIND, "veth");
  struct rtattr *data = nest_begin(request, IFLA_INFO_DATA);
  // The peer has a header of its own before its attributes. It cannot be up before the pair is tied together.
  struct ifinfomsg peer_header = {0};
  struct rtattr *peer = attribute(request, VETH_INFO_PEER | NLA_F_NESTED, &peer_header, sizeof peer_header);
  attribute_string(request, IFLA_IFNAME, "eth0");
  attribute_number(request, IFLA_NET_NS_PID, pid);
  if (one_queue) {
    attribute_number(request, IFLA_NUM_TX_QUEUES, 1);
    attribute_number(request, IFLA_NUM_RX_QUEUES, 1);
  }
  nest_end(request, peer);
  nest_end(request, data);
  nest_end(request, info);
  request_end(all, request);
}

static void set_up(struct requests *all, int interface) {
  struct ifinfomsg header = {.ifi_index = interface, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  request_end(all, request_begin(all, RTM_NEWLINK, 0, &header, sizeof header));
}

// `address` and `gateway` are in network byte order.
static void add_address(struct requests *all, int interface, uint32_t address, uint8_t prefix) {
  struct ifaddrmsg header = {.ifa_family = AF_INET, .ifa_prefixlen = prefix, .ifa_index = interface};
  struct nlmsghdr *request = request_begin(all, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
  attribute_number(request, IFA_LOCAL, address);
  attribute_number(request, IFA_ADDRESS, address);
  request_end(all, request);
}

static void add_default_route(struct requests *all, int interface, uint32_t gateway) {
  struct rtmsg header = {
      .rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST};
  struct nlmsghdr *request = request_begin(all, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
  attribute_number(request, RTA_GATEWAY, gateway);
  attribute_number(request, RTA_OIF, interface);
  request_end(all, request);
}

static void delete_link(struct requests *all, const char *name) {
  struct ifinfomsg header = {0};
  struct nlmsghdr *request = request_begin(all, RTM_DELLINK, 0, &header, sizeof header);
  attribute_string(request, IFLA_IFNAME, name);
  request_end(all, request);
}

// All links of a group at once: the kernel waits for its readers once, not once a link.
static void delete_group(struct requests *all, uint32_t group) {
  struct ifinfomsg header = {0};
  struct nlmsghdr *request = request_begin(all, RTM_DELLINK, 0, &header, sizeof header);
  attribute_number(request, IFLA_GROUP, group);
  request_end(all, request);
}

#endif
