"""质量问题: the case that holds complaints and runs through the five stages."""
