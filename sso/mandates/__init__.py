"""Who may act for whom: legal representatives, standing agents, one-off mandates."""
