"""What a RIS knows: procedure steps that are scheduled, and what modalities performed of them."""
