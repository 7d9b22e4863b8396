"""Parses the messages of each dialect into parts: one file per dialect, and steps that all share."""
