"""Write summaries within limits and check them against their sources, or tell a text by its own sentences."""
