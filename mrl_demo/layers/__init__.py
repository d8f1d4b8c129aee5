"""What fewer layers and fewer neurons of a model keep and save: quality over layers by lengths, time by layer."""
