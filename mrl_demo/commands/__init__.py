"""Commands of `mrl` in files of their own, and the options that several commands share."""
