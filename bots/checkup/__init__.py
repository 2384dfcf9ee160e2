"""What `doctor` looks at, besides the channels: the house itself, and what it needs of others."""
