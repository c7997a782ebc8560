"""Where every number of one forward pass, backward pass and update comes from."""
