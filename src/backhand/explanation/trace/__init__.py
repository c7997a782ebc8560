"""The values of one forward pass, backward pass and update, and what each entry comes from."""
