// The module LinuxFirewall.
