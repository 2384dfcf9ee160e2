"""What the Slack channel is made of: its markup, and whom our own workspace vouches for."""
