"""Storage SCU for load: N associations that send M objects each, as fast as the peer takes them."""
