"""CPT: its decode head, query update, category prototypes and prototype memory."""
