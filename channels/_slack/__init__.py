"""What the Slack channel is made of: whom our own workspace vouches for."""
