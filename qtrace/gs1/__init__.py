"""Numbers and texts of GS1: articles, boxes, lots and dates as labels carry them; knows no record of ours."""
