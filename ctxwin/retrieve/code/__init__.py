"""Read definitions and references from code, and stack traces and questions about a whole project from questions."""
