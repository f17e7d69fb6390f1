"""Derivative rules as text."""
