"""What `sandbox new` writes: plugins that work as they stand, in which `newname` stands for the name that is given."""
