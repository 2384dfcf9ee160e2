"""Bots to compare with: three that prove the scoring, three with too little or too much memory, and the recipe."""
