"""The senders the product comes with, one module per company."""
