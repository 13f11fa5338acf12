// The module LinuxCapabilities.
