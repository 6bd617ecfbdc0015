"""SGR: its decode head and the reasoner over latent regions, which any head can use."""
