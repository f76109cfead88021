"""What authors of plugins need to test them; plugins themselves import only `qtrace.sdk`."""
