"""qtrace finds where an e-commerce quality problem comes from and carries it to a proven end."""
