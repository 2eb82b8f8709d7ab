"""Everything that touches the world: protocols, disks, clocks and people."""
