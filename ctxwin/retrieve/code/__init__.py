"""What is read off code: definitions and references, traces, and questions about the whole."""
