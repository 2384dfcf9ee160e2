"""One reply, many faces: the small Markdown of a reply as a tree, and what each channel makes of it."""
