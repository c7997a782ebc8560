"""The CPU engine: whole blocks of updates as one compiled call, at the limit of the hardware."""
