"""Speed and memory of the data path, as figures of one machine and ratios of one run."""
