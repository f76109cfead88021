"""Records of the forms a company defines: one list, search, page and timeline for all of them."""
