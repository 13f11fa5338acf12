// The module LinuxNetlink.
