"""One file per channel; `ls channels/` is the list of supported channels. See docs/adding-a-channel.md."""
