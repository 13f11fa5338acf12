// The module LinuxCgroup.
