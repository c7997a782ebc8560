"""Many machines: a transport that runs functions on workers, and engines over it."""
