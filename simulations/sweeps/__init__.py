"""Many runs: parameters x seeds, on this machine or on a cluster."""
