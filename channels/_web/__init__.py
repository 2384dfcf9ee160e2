"""Parts of web chat: its page, and its keys."""
