"""What the email channel is made of: reading mail within hard limits, whose it is, what they wrote, and our letters."""
