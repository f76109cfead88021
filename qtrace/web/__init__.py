"""The request side: pages, partials, errors, CSRF, headers, filters."""
