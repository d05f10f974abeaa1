"""Collecting what no record keeps, and what interrupted commands left."""
