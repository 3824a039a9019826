"""An engine on an NVIDIA GPU: the driver, memory, kernels and the chain around the network."""
