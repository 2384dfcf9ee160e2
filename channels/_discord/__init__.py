"""Discord, part by part: what it sends us, what we send, its REST API, and the gateway."""
