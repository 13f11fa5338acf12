// The module LinuxMounts.
