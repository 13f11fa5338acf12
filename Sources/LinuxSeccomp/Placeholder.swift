// The module LinuxSeccomp.
