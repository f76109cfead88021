"""The programming interface: tokens, the HTTP API with its description, and outgoing webhooks."""
