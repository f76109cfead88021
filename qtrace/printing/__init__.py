"""Print pages and PDF files."""
