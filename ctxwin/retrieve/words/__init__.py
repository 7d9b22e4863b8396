"""Words: texts as terms, and the postings that score them."""
